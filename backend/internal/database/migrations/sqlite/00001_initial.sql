-- +goose Up
CREATE TABLE platform (
    id               INTEGER PRIMARY KEY CHECK (id = 1),
    install_id       TEXT NOT NULL,
    bypass           BOOLEAN NOT NULL DEFAULT FALSE,
    route_generation BIGINT NOT NULL DEFAULT 1
);
-- Apart from platform: each write of a leader reads it, and must not wait for
-- those that raise the route generation.
CREATE TABLE leader (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    epoch BIGINT NOT NULL DEFAULT 0
);
INSERT INTO leader (id) VALUES (1);

CREATE TABLE endpoints (
    name                       TEXT PRIMARY KEY,
    upstream                   TEXT NOT NULL,
    upstream_model             TEXT NOT NULL,
    base                       TEXT NOT NULL,
    metric                     TEXT NOT NULL,
    threshold                  REAL NOT NULL,
    min_train_pairs            INTEGER NOT NULL,
    min_eval_pairs             INTEGER NOT NULL,
    max_train_pairs            INTEGER NOT NULL,
    max_eval_pairs             INTEGER NOT NULL,
    slm_share                  REAL NOT NULL,
    teacher_share              REAL NOT NULL,
    slm_first_token_timeout_ms BIGINT NOT NULL,
    slm_total_timeout_ms       BIGINT NOT NULL,
    scale_to_zero_after_ms     BIGINT NOT NULL,
    capture                    BOOLEAN NOT NULL,
    auto_train                 BOOLEAN NOT NULL,
    auto_deploy                BOOLEAN NOT NULL,
    bypass                     BOOLEAN NOT NULL,
    fingerprint                TEXT NOT NULL,
    retention_days             INTEGER NOT NULL,
    provider                   TEXT NOT NULL,
    hyperparameters            TEXT NOT NULL, -- JSON
    last_version               INTEGER NOT NULL DEFAULT 0,
    generation                 BIGINT NOT NULL,
    created_at                 DATETIME NOT NULL,
    updated_at                 DATETIME NOT NULL,
    deleted_at                 DATETIME
);

CREATE TABLE client_keys (
    id               TEXT PRIMARY KEY,
    name             TEXT NOT NULL,
    hash             TEXT NOT NULL UNIQUE,
    prefix           TEXT NOT NULL,
    default_endpoint TEXT NOT NULL,
    created_at       DATETIME NOT NULL
);

-- The key is the id alone, a UUIDv7 whose order is that of time, so that the
-- table can be partitioned by ranges of it. The long columns stand last: a
-- reader of the short ones need not pass them.
CREATE TABLE pairs (
    id                TEXT PRIMARY KEY,
    endpoint          TEXT NOT NULL,
    end_user          TEXT NOT NULL,
    source            TEXT NOT NULL,
    model_id          TEXT NOT NULL,
    reason            TEXT NOT NULL,
    teacher_pair      TEXT NOT NULL,
    split             TEXT NOT NULL,
    teaches           BOOLEAN NOT NULL,
    conversation      TEXT NOT NULL,
    prompt            TEXT NOT NULL,
    fingerprint       TEXT NOT NULL,
    tokens_in         BIGINT NOT NULL,
    tokens_out        BIGINT NOT NULL,
    counted           BOOLEAN NOT NULL,
    latency_us        BIGINT NOT NULL,
    first_token_us    BIGINT NOT NULL,
    cost_usd          REAL NOT NULL,
    complete          BOOLEAN NOT NULL,
    created_at        DATETIME NOT NULL,
    finish_reason     TEXT NOT NULL,
    answer_tool_calls TEXT NOT NULL,
    answer_text       TEXT NOT NULL,
    request           TEXT NOT NULL
);
CREATE INDEX pairs_endpoint ON pairs (endpoint, id);
CREATE INDEX pairs_user ON pairs (endpoint, end_user, id) WHERE end_user <> '';
CREATE INDEX pairs_teaching ON pairs (endpoint, split, id, prompt, teaches) WHERE teaches;
CREATE INDEX pairs_shadow ON pairs (model_id, id) WHERE reason = 'shadow';

CREATE TABLE endpoint_counters (
    endpoint   TEXT PRIMARY KEY,
    pairs      BIGINT NOT NULL,
    train      BIGINT NOT NULL,
    eval       BIGINT NOT NULL,
    llm        BIGINT NOT NULL,
    slm        BIGINT NOT NULL,
    fallbacks  BIGINT NOT NULL,
    broken     BIGINT NOT NULL,
    tokens_in  BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    cost_usd   REAL NOT NULL,
    saved_usd  REAL NOT NULL
);

CREATE TABLE models (
    id               TEXT PRIMARY KEY,
    endpoint         TEXT NOT NULL,
    version          INTEGER NOT NULL,
    base             TEXT NOT NULL,
    phase            TEXT NOT NULL,
    attempt          INTEGER NOT NULL,
    failed_phase     TEXT NOT NULL,
    reason           TEXT NOT NULL,
    target           TEXT NOT NULL,
    forced           BOOLEAN NOT NULL,
    forced_by        TEXT NOT NULL,
    auto_tried       BOOLEAN NOT NULL,
    hyperparameters  TEXT NOT NULL, -- JSON, as are the three lists and the record
    train_pairs      INTEGER NOT NULL,
    eval_pairs       INTEGER NOT NULL,
    dataset_sha256   TEXT NOT NULL,
    data_frozen_at   DATETIME,
    fingerprints     TEXT NOT NULL,
    json_tasks       TEXT NOT NULL,
    artifacts        TEXT NOT NULL,
    training         TEXT NOT NULL,
    verdict          TEXT NOT NULL,
    verdict_attempts INTEGER NOT NULL,
    release          TEXT NOT NULL,
    release_digest   TEXT NOT NULL,
    revision         INTEGER NOT NULL,
    replicas         INTEGER NOT NULL,
    slept_at         DATETIME,
    draining_since   DATETIME,
    drain_generation BIGINT NOT NULL,
    served_since     DATETIME,
    deploy_started   DATETIME,
    frozen_broken    BOOLEAN NOT NULL DEFAULT FALSE,
    generation       BIGINT NOT NULL,
    created_at       DATETIME NOT NULL,
    updated_at       DATETIME NOT NULL,
    phase_since      DATETIME NOT NULL,
    UNIQUE (endpoint, version)
);
CREATE UNIQUE INDEX models_one_deployed ON models (endpoint) WHERE phase = 'deployed';
CREATE INDEX models_phase ON models (phase, endpoint);

CREATE TABLE model_pairs (
    model_id TEXT NOT NULL,
    pair_id  TEXT NOT NULL,
    split    TEXT NOT NULL,
    PRIMARY KEY (model_id, pair_id)
);
CREATE INDEX model_pairs_pair ON model_pairs (pair_id);

CREATE TABLE eval_answers (
    model_id      TEXT NOT NULL,
    attempt       INTEGER NOT NULL,
    seq           BIGINT NOT NULL,
    pair_id       TEXT NOT NULL,
    variant       TEXT NOT NULL,
    max_tokens    INTEGER NOT NULL,
    answered      BOOLEAN NOT NULL DEFAULT FALSE,
    text          TEXT NOT NULL DEFAULT '',
    tool_calls    TEXT NOT NULL DEFAULT '',
    finish_reason TEXT NOT NULL DEFAULT '',
    tokens_in     INTEGER NOT NULL DEFAULT 0,
    tokens_out    INTEGER NOT NULL DEFAULT 0,
    latency_us    BIGINT NOT NULL DEFAULT 0,
    error         TEXT NOT NULL DEFAULT '',
    similarity    REAL,
    exact         BOOLEAN,
    near          BOOLEAN,
    lookup_exact  BOOLEAN,
    PRIMARY KEY (model_id, attempt, seq),
    UNIQUE (model_id, attempt, pair_id, variant)
);
CREATE INDEX eval_answers_pair ON eval_answers (pair_id);

CREATE TABLE evaluations (
    model_id        TEXT NOT NULL,
    attempt         INTEGER NOT NULL,
    metric          TEXT NOT NULL,
    n               INTEGER NOT NULL,
    score           REAL NOT NULL,
    lower_bound     REAL NOT NULL,
    alpha           REAL NOT NULL,
    threshold       REAL NOT NULL,
    verdict         TEXT NOT NULL,
    reason          TEXT NOT NULL,
    identical       INTEGER NOT NULL,
    close           INTEGER NOT NULL,
    different       INTEGER NOT NULL,
    errors          INTEGER NOT NULL,
    base_n          INTEGER NOT NULL,
    base_score      REAL NOT NULL,
    shuffled_score  REAL NOT NULL,
    lookup_score    REAL NOT NULL,
    near_n          INTEGER NOT NULL,
    far_n           INTEGER NOT NULL,
    near_score      REAL NOT NULL,
    far_score       REAL NOT NULL,
    mean_latency_us BIGINT NOT NULL,
    started_at      DATETIME NOT NULL,
    ended_at        DATETIME NOT NULL,
    PRIMARY KEY (model_id, attempt)
);

CREATE TABLE events (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       DATETIME NOT NULL,
    kind     TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    model_id TEXT NOT NULL,
    message  TEXT NOT NULL,
    data     TEXT NOT NULL -- JSON
);

CREATE TABLE replicas (
    id               TEXT PRIMARY KEY,
    route_generation BIGINT NOT NULL,
    seen_at          DATETIME NOT NULL
);

CREATE TABLE endpoint_activity (
    endpoint       TEXT NOT NULL,
    replica        TEXT NOT NULL,
    last_wanted_at DATETIME,
    last_served_at DATETIME,
    in_flight      INTEGER NOT NULL,
    updated_at     DATETIME NOT NULL,
    PRIMARY KEY (endpoint, replica)
);

CREATE TABLE helm_releases (
    key         TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    namespace   TEXT NOT NULL,
    version     INTEGER NOT NULL,
    status      TEXT NOT NULL,
    owner       TEXT NOT NULL,
    labels      TEXT NOT NULL, -- JSON
    body        TEXT NOT NULL,
    created_at  DATETIME NOT NULL,
    modified_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE helm_releases;
DROP TABLE endpoint_activity;
DROP TABLE replicas;
DROP TABLE events;
DROP TABLE evaluations;
DROP TABLE eval_answers;
DROP TABLE model_pairs;
DROP TABLE models;
DROP TABLE endpoint_counters;
DROP TABLE pairs;
DROP TABLE client_keys;
DROP TABLE endpoints;
DROP TABLE leader;
DROP TABLE platform;
