-- +goose Up
CREATE TABLE cards (
    id      uuid    PRIMARY KEY, -- the person's
    points  integer NOT NULL,
    version bigint  NOT NULL
);
CREATE TRIGGER cards_version BEFORE INSERT OR UPDATE ON cards FOR EACH ROW EXECUTE FUNCTION stamp_version();

-- +goose Down
DROP TABLE cards;
