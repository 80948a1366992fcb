-- +goose Up
CREATE TABLE outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id   uuid        NOT NULL, -- not unique: a fact goes out in several versions, or again
    exchange     text        NOT NULL,
    key          text        NOT NULL,
    content_type text        NOT NULL,
    headers      jsonb       NOT NULL,
    body         bytea       NOT NULL,
    optional     boolean     NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    -- When a relay may take the row: it claims it by moving this ahead, and a claim that nobody settles runs out.
    available_at timestamptz NOT NULL DEFAULT now(),
    attempts     integer     NOT NULL DEFAULT 0,
    last_error   text        NOT NULL DEFAULT ''
);
CREATE INDEX outbox_available ON outbox (available_at, id);

-- +goose Down
DROP TABLE outbox;
