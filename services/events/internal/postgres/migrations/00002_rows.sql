-- +goose Up
ALTER TABLE events ADD COLUMN version bigint NOT NULL DEFAULT nextval('row_version');
ALTER TABLE events ALTER COLUMN version DROP DEFAULT;
CREATE TRIGGER events_version BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION stamp_version();
SELECT tally_table('events', 'id');

-- With the id in it, it counts what starts in a time, and finds the ids, without the table.
CREATE INDEX events_start ON events (starts_at, id);
DROP INDEX events_starts_at;

-- Attendances are listed and counted by their event, which has an index already.
ALTER TABLE attendances ADD COLUMN version bigint NOT NULL DEFAULT nextval('row_version');
ALTER TABLE attendances ALTER COLUMN version DROP DEFAULT;
CREATE TRIGGER attendances_version BEFORE INSERT OR UPDATE ON attendances FOR EACH ROW EXECUTE FUNCTION stamp_version();

-- +goose Down
DROP TRIGGER attendances_version ON attendances;
ALTER TABLE attendances DROP COLUMN version;
CREATE INDEX events_starts_at ON events (starts_at);
DROP INDEX events_start;
SELECT untally_table('events');
DROP TRIGGER events_version ON events;
ALTER TABLE events DROP COLUMN version;
