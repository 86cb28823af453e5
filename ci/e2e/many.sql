-- Copies a trained model :n times, each for an endpoint of its own; the first
-- :staged of them are on their way to the stage.
INSERT INTO endpoints
SELECT (jsonb_populate_record(e, jsonb_build_object('name', 'many-' || i))).*
FROM models m JOIN endpoints e ON e.name = m.endpoint, generate_series(1, :n) i
WHERE m.id = :'model';

INSERT INTO models
SELECT (jsonb_populate_record(m, jsonb_build_object(
    'id', left(m.id, 24) || lpad(to_hex(i), 12, '0'), 'endpoint', 'many-' || i, 'auto_tried', TRUE, 'target', '', 'served_since', NULL,
    'phase', CASE WHEN i <= :staged THEN 'deploying' ELSE 'available' END, 'phase_since', now(),
    'release', '', 'release_digest', '', 'revision', 0, 'deploy_started', CASE WHEN i <= :staged THEN now() END))).*
FROM models m, generate_series(1, :n) i
WHERE m.id = :'model';
