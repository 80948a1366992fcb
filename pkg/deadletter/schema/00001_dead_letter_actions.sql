-- +goose Up
-- What operators did with dead letters. A row is there before the act, its outcome after.
CREATE TABLE dead_letter_actions (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    operator   text        NOT NULL,
    action     text        NOT NULL CHECK (action IN ('replay', 'discard', 'reveal')),
    queue      text        NOT NULL,
    message_id text        NOT NULL, -- as the sender had it: not always a UUID
    key        text        NOT NULL,
    reason     text        NOT NULL, -- why the letter was dead
    outcome    text        NOT NULL DEFAULT '' -- '': begun, and nobody came back to tell
);

-- +goose Down
DROP TABLE dead_letter_actions;
