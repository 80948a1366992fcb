-- +goose Up
ALTER TABLE pizzas ADD COLUMN version bigint NOT NULL DEFAULT nextval('row_version');
ALTER TABLE pizzas ALTER COLUMN version DROP DEFAULT;
CREATE TRIGGER pizzas_version BEFORE INSERT OR UPDATE ON pizzas FOR EACH ROW EXECUTE FUNCTION stamp_version();
SELECT tally_table('pizzas', 'id');

-- +goose Down
SELECT untally_table('pizzas');
DROP TRIGGER pizzas_version ON pizzas;
ALTER TABLE pizzas DROP COLUMN version;
