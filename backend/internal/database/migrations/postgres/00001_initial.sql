-- +goose Up
CREATE TABLE platform (
    id               INTEGER PRIMARY KEY CHECK (id = 1),
    install_id       TEXT COLLATE "C" NOT NULL,
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
    name                       TEXT COLLATE "C" PRIMARY KEY,
    upstream                   TEXT COLLATE "C" NOT NULL,
    upstream_model             TEXT COLLATE "C" NOT NULL,
    base                       TEXT COLLATE "C" NOT NULL,
    metric                     TEXT COLLATE "C" NOT NULL,
    threshold                  DOUBLE PRECISION NOT NULL,
    min_train_pairs            INTEGER NOT NULL,
    min_eval_pairs             INTEGER NOT NULL,
    max_train_pairs            INTEGER NOT NULL,
    max_eval_pairs             INTEGER NOT NULL,
    slm_share                  DOUBLE PRECISION NOT NULL,
    teacher_share              DOUBLE PRECISION NOT NULL,
    slm_first_token_timeout_ms BIGINT NOT NULL,
    slm_total_timeout_ms       BIGINT NOT NULL,
    scale_to_zero_after_ms     BIGINT NOT NULL,
    capture                    BOOLEAN NOT NULL,
    auto_train                 BOOLEAN NOT NULL,
    auto_deploy                BOOLEAN NOT NULL,
    bypass                     BOOLEAN NOT NULL,
    fingerprint                TEXT COLLATE "C" NOT NULL,
    retention_days             INTEGER NOT NULL,
    provider                   TEXT COLLATE "C" NOT NULL,
    hyperparameters            TEXT NOT NULL, -- JSON
    last_version               INTEGER NOT NULL DEFAULT 0,
    generation                 BIGINT NOT NULL,
    created_at                 TIMESTAMPTZ NOT NULL,
    updated_at                 TIMESTAMPTZ NOT NULL,
    deleted_at                 TIMESTAMPTZ
);

CREATE TABLE client_keys (
    id               TEXT COLLATE "C" PRIMARY KEY,
    name             TEXT COLLATE "C" NOT NULL,
    hash             TEXT COLLATE "C" NOT NULL UNIQUE,
    prefix           TEXT COLLATE "C" NOT NULL,
    default_endpoint TEXT COLLATE "C" NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL
);

-- The key is the id alone, a UUIDv7 whose order is that of time, so that the
-- table can be partitioned by ranges of it. The long columns stand last: a
-- reader of the short ones need not pass them.
CREATE TABLE pairs (
    id                TEXT COLLATE "C" PRIMARY KEY,
    endpoint          TEXT COLLATE "C" NOT NULL,
    end_user          TEXT COLLATE "C" NOT NULL,
    source            TEXT COLLATE "C" NOT NULL,
    model_id          TEXT COLLATE "C" NOT NULL,
    reason            TEXT NOT NULL,
    teacher_pair      TEXT COLLATE "C" NOT NULL,
    split             TEXT COLLATE "C" NOT NULL,
    teaches           BOOLEAN NOT NULL,
    conversation      TEXT COLLATE "C" NOT NULL,
    prompt            TEXT COLLATE "C" NOT NULL,
    fingerprint       TEXT COLLATE "C" NOT NULL,
    tokens_in         BIGINT NOT NULL,
    tokens_out        BIGINT NOT NULL,
    counted           BOOLEAN NOT NULL,
    latency_us        BIGINT NOT NULL,
    first_token_us    BIGINT NOT NULL,
    cost_usd          DOUBLE PRECISION NOT NULL,
    complete          BOOLEAN NOT NULL,
    created_at        TIMESTAMPTZ NOT NULL,
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
    endpoint   TEXT COLLATE "C" PRIMARY KEY,
    pairs      BIGINT NOT NULL,
    train      BIGINT NOT NULL,
    eval       BIGINT NOT NULL,
    llm        BIGINT NOT NULL,
    slm        BIGINT NOT NULL,
    fallbacks  BIGINT NOT NULL,
    broken     BIGINT NOT NULL,
    tokens_in  BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    cost_usd   DOUBLE PRECISION NOT NULL,
    saved_usd  DOUBLE PRECISION NOT NULL
);

CREATE TABLE models (
    id               TEXT COLLATE "C" PRIMARY KEY,
    endpoint         TEXT COLLATE "C" NOT NULL,
    version          INTEGER NOT NULL,
    base             TEXT COLLATE "C" NOT NULL,
    phase            TEXT COLLATE "C" NOT NULL,
    attempt          INTEGER NOT NULL,
    failed_phase     TEXT COLLATE "C" NOT NULL,
    reason           TEXT NOT NULL,
    target           TEXT COLLATE "C" NOT NULL,
    forced           BOOLEAN NOT NULL,
    forced_by        TEXT COLLATE "C" NOT NULL,
    auto_tried       BOOLEAN NOT NULL,
    hyperparameters  TEXT NOT NULL, -- JSON, as are the three lists and the record
    train_pairs      INTEGER NOT NULL,
    eval_pairs       INTEGER NOT NULL,
    dataset_sha256   TEXT COLLATE "C" NOT NULL,
    data_frozen_at   TIMESTAMPTZ,
    fingerprints     TEXT NOT NULL,
    json_tasks       TEXT NOT NULL,
    artifacts        TEXT NOT NULL,
    training         TEXT NOT NULL,
    verdict          TEXT COLLATE "C" NOT NULL,
    verdict_attempts INTEGER NOT NULL,
    release          TEXT COLLATE "C" NOT NULL,
    release_digest   TEXT COLLATE "C" NOT NULL,
    revision         INTEGER NOT NULL,
    replicas         INTEGER NOT NULL,
    slept_at         TIMESTAMPTZ,
    draining_since   TIMESTAMPTZ,
    drain_generation BIGINT NOT NULL,
    served_since     TIMESTAMPTZ,
    deploy_started   TIMESTAMPTZ,
    frozen_broken    BOOLEAN NOT NULL DEFAULT FALSE,
    generation       BIGINT NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL,
    updated_at       TIMESTAMPTZ NOT NULL,
    phase_since      TIMESTAMPTZ NOT NULL,
    UNIQUE (endpoint, version)
);
CREATE UNIQUE INDEX models_one_deployed ON models (endpoint) WHERE phase = 'deployed';
CREATE INDEX models_phase ON models (phase, endpoint);

CREATE TABLE model_pairs (
    model_id TEXT COLLATE "C" NOT NULL,
    pair_id  TEXT COLLATE "C" NOT NULL,
    split    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (model_id, pair_id)
);
CREATE INDEX model_pairs_pair ON model_pairs (pair_id);

CREATE TABLE eval_answers (
    model_id      TEXT COLLATE "C" NOT NULL,
    attempt       INTEGER NOT NULL,
    seq           BIGINT NOT NULL,
    pair_id       TEXT COLLATE "C" NOT NULL,
    variant       TEXT COLLATE "C" NOT NULL,
    max_tokens    INTEGER NOT NULL,
    answered      BOOLEAN NOT NULL DEFAULT FALSE,
    text          TEXT NOT NULL DEFAULT '',
    tool_calls    TEXT NOT NULL DEFAULT '',
    finish_reason TEXT NOT NULL DEFAULT '',
    tokens_in     INTEGER NOT NULL DEFAULT 0,
    tokens_out    INTEGER NOT NULL DEFAULT 0,
    latency_us    BIGINT NOT NULL DEFAULT 0,
    error         TEXT NOT NULL DEFAULT '',
    similarity    DOUBLE PRECISION,
    exact         BOOLEAN,
    near          BOOLEAN,
    lookup_exact  BOOLEAN,
    PRIMARY KEY (model_id, attempt, seq),
    UNIQUE (model_id, attempt, pair_id, variant)
);
CREATE INDEX eval_answers_pair ON eval_answers (pair_id);

CREATE TABLE evaluations (
    model_id        TEXT COLLATE "C" NOT NULL,
    attempt         INTEGER NOT NULL,
    metric          TEXT COLLATE "C" NOT NULL,
    n               INTEGER NOT NULL,
    score           DOUBLE PRECISION NOT NULL,
    lower_bound     DOUBLE PRECISION NOT NULL,
    alpha           DOUBLE PRECISION NOT NULL,
    threshold       DOUBLE PRECISION NOT NULL,
    verdict         TEXT COLLATE "C" NOT NULL,
    reason          TEXT NOT NULL,
    identical       INTEGER NOT NULL,
    close           INTEGER NOT NULL,
    different       INTEGER NOT NULL,
    errors          INTEGER NOT NULL,
    base_n          INTEGER NOT NULL,
    base_score      DOUBLE PRECISION NOT NULL,
    shuffled_score  DOUBLE PRECISION NOT NULL,
    lookup_score    DOUBLE PRECISION NOT NULL,
    near_n          INTEGER NOT NULL,
    far_n           INTEGER NOT NULL,
    near_score      DOUBLE PRECISION NOT NULL,
    far_score       DOUBLE PRECISION NOT NULL,
    mean_latency_us BIGINT NOT NULL,
    started_at      TIMESTAMPTZ NOT NULL,
    ended_at        TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (model_id, attempt)
);

CREATE TABLE events (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       TIMESTAMPTZ NOT NULL,
    kind     TEXT COLLATE "C" NOT NULL,
    endpoint TEXT COLLATE "C" NOT NULL,
    model_id TEXT COLLATE "C" NOT NULL,
    message  TEXT NOT NULL,
    data     TEXT NOT NULL -- JSON
);

CREATE TABLE replicas (
    id               TEXT COLLATE "C" PRIMARY KEY,
    route_generation BIGINT NOT NULL,
    seen_at          TIMESTAMPTZ NOT NULL
);

CREATE TABLE endpoint_activity (
    endpoint       TEXT COLLATE "C" NOT NULL,
    replica        TEXT COLLATE "C" NOT NULL,
    last_wanted_at TIMESTAMPTZ,
    last_served_at TIMESTAMPTZ,
    in_flight      INTEGER NOT NULL,
    updated_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (endpoint, replica)
);

CREATE TABLE helm_releases (
    key         TEXT COLLATE "C" PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL,
    namespace   TEXT COLLATE "C" NOT NULL,
    version     INTEGER NOT NULL,
    status      TEXT COLLATE "C" NOT NULL,
    owner       TEXT COLLATE "C" NOT NULL,
    labels      TEXT NOT NULL, -- JSON
    body        TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    modified_at TIMESTAMPTZ NOT NULL
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
