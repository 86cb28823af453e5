-- +goose Up
-- What the lifecycle found of an endpoint whose fingerprint is auto. Endpoints
-- made before stay full or tools, as they were.
ALTER TABLE endpoints ADD COLUMN prompt_varies BOOLEAN NOT NULL DEFAULT FALSE;
-- What told tasks apart when a model's data set was frozen.
ALTER TABLE models ADD COLUMN task_mode TEXT NOT NULL DEFAULT 'full';
UPDATE models SET task_mode = 'tools' WHERE endpoint IN (SELECT name FROM endpoints WHERE fingerprint = 'tools');

-- +goose Down
ALTER TABLE models DROP COLUMN task_mode;
ALTER TABLE endpoints DROP COLUMN prompt_varies;
