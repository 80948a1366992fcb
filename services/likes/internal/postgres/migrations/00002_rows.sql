-- +goose Up
ALTER TABLE likes ADD COLUMN version bigint NOT NULL DEFAULT nextval('row_version');
ALTER TABLE likes ALTER COLUMN version DROP DEFAULT;
CREATE TRIGGER likes_version BEFORE INSERT OR UPDATE ON likes FOR EACH ROW EXECUTE FUNCTION stamp_version();
SELECT tally_table('likes', 'id');

-- A person's likes and a pizza's are listed in the order of their ids.
CREATE INDEX likes_user ON likes (user_uuid, id);
CREATE INDEX likes_of_pizza ON likes (pizza_id, id);
DROP INDEX likes_pizza;

-- +goose Down
CREATE INDEX likes_pizza ON likes (pizza_id);
DROP INDEX likes_of_pizza;
DROP INDEX likes_user;
SELECT untally_table('likes');
DROP TRIGGER likes_version ON likes;
ALTER TABLE likes DROP COLUMN version;
