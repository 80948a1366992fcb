-- +goose Up
-- Users and erasures are listed by their position: the order in which they came. It is seen in cursors, so that of users
-- begins at a number that nobody knows: it must not tell the older id, which counts along with it.
ALTER TABLE users
    ADD COLUMN version  bigint NOT NULL DEFAULT nextval('row_version'),
    ADD COLUMN position bigint;
ALTER TABLE users ALTER COLUMN version DROP DEFAULT;
UPDATE users u SET position = o.position
FROM (SELECT uuid, (SELECT floor(random() * 1e9)::bigint) + row_number() OVER (ORDER BY id) AS position FROM users) o
WHERE o.uuid = u.uuid;
ALTER TABLE users ALTER COLUMN position SET NOT NULL, ALTER COLUMN position ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('users', 'position'), coalesce(max(position), floor(random() * 1e9)::bigint) + 1, false) FROM users;
CREATE UNIQUE INDEX users_position ON users (position);
CREATE TRIGGER users_version BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp_version();
SELECT tally_table('users', 'position');

ALTER TABLE erasures ADD COLUMN position bigint;
UPDATE erasures e SET position = o.position
FROM (SELECT id, row_number() OVER (ORDER BY requested_at, id DESC) AS position FROM erasures) o
WHERE o.id = e.id;
ALTER TABLE erasures ALTER COLUMN position SET NOT NULL, ALTER COLUMN position ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('erasures', 'position'), coalesce(max(position), 0) + 1, false) FROM erasures;
CREATE UNIQUE INDEX erasures_position ON erasures (position);
DROP INDEX erasures_newest;
SELECT tally_table('erasures', 'position');

-- +goose Down
SELECT untally_table('erasures');
CREATE INDEX erasures_newest ON erasures (requested_at DESC, id);
ALTER TABLE erasures DROP COLUMN position;

SELECT untally_table('users');
DROP TRIGGER users_version ON users;
ALTER TABLE users DROP COLUMN position, DROP COLUMN version;
