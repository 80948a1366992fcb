-- +goose Up
-- Who must never be written about again: a keyed hash of the person's id, and nothing else of them.
CREATE TABLE tombstones (
    person    bytea       PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now()
);
-- What each order to erase did, by the message that brought it; kept for ever, so that a copy of it does nothing.
CREATE TABLE receipts (
    message_id uuid        PRIMARY KEY,
    erasure_id text        NOT NULL,
    deleted    jsonb       NOT NULL,
    remaining  integer     NOT NULL,
    erased_at  timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE receipts;
DROP TABLE tombstones;
