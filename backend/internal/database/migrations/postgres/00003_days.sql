-- +goose Up
-- What was measured of an endpoint on a day (UTC). Sums that only grow, added
-- up with each batch of pairs: nobody counts rows.
CREATE TABLE endpoint_days (
    endpoint       TEXT NOT NULL,
    day            TEXT NOT NULL,
    llm            BIGINT NOT NULL,
    slm            BIGINT NOT NULL,
    sample         BIGINT NOT NULL,
    fallbacks      BIGINT NOT NULL,
    shadows        BIGINT NOT NULL,
    guessed        BIGINT NOT NULL,
    llm_tokens_in  BIGINT NOT NULL,
    llm_tokens_out BIGINT NOT NULL,
    slm_tokens_in  BIGINT NOT NULL,
    slm_tokens_out BIGINT NOT NULL,
    llm_usd        DOUBLE PRECISION NOT NULL,
    slm_usd        DOUBLE PRECISION NOT NULL,
    sample_usd     DOUBLE PRECISION NOT NULL,
    shadow_usd     DOUBLE PRECISION NOT NULL,
    sample_usd2    DOUBLE PRECISION NOT NULL,
    shadow_usd2    DOUBLE PRECISION NOT NULL,
    slm_us         BIGINT NOT NULL,
    cpu_us         BIGINT NOT NULL,
    pods_us        BIGINT NOT NULL,
    PRIMARY KEY (endpoint, day)
);
CREATE INDEX endpoint_days_day ON endpoint_days (day);
-- The SLM's answer to a sampled request, from the LLM's.
CREATE INDEX pairs_teacher ON pairs (teacher_pair) WHERE teacher_pair <> '';

-- +goose Down
DROP INDEX pairs_teacher;
DROP TABLE endpoint_days;
