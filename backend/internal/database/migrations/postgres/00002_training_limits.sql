-- +goose Up
-- Limits of one training of an endpoint; 0 and [] mean the platform's.
ALTER TABLE endpoints ADD COLUMN max_cost_usd DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN training_deadline_seconds BIGINT NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN gpu_candidates TEXT NOT NULL DEFAULT '[]'; -- JSON

-- +goose Down
ALTER TABLE endpoints DROP COLUMN gpu_candidates;
ALTER TABLE endpoints DROP COLUMN training_deadline_seconds;
ALTER TABLE endpoints DROP COLUMN max_cost_usd;
