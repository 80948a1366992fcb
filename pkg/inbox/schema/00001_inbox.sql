-- +goose Up
CREATE TABLE inbox (
    queue      text        NOT NULL,
    message_id uuid        NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (queue, message_id)
);

-- +goose Down
DROP TABLE inbox;
