-- +goose Up
CREATE TABLE users (
    uuid          uuid        PRIMARY KEY,
    id            bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT users_id UNIQUE, -- older, only in user.deleted.1
    username      text        NOT NULL,
    email         text        NOT NULL,
    password_hash text        NOT NULL,
    staff         boolean     NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_username ON users (lower(username));

CREATE TABLE sessions (
    id         uuid        PRIMARY KEY,
    user_uuid  uuid        NOT NULL REFERENCES users (uuid) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_uuid);

-- The services that hold personal data, auth among them. One that was taken out keeps its row: from "no holder is
-- known" follows nothing, from "none is left" follows that nobody has to be waited for.
CREATE TABLE holders (
    service       text        PRIMARY KEY,
    registered_at timestamptz NOT NULL DEFAULT now(),
    retired_at    timestamptz
);

CREATE TABLE erasures (
    id            text        PRIMARY KEY,
    message_id    uuid        NOT NULL UNIQUE,
    user_uuid     uuid        NOT NULL UNIQUE,
    user_id       bigint      NOT NULL,
    requested_at  timestamptz NOT NULL DEFAULT now(),
    due_at        timestamptz NOT NULL,
    completed_at  timestamptz,
    holders_known boolean     NOT NULL, -- false: begun before any holder was known
    remind_at     timestamptz NOT NULL,
    reminders     integer     NOT NULL DEFAULT 0
);
CREATE INDEX erasures_newest ON erasures (requested_at DESC, id);
CREATE INDEX erasures_remind ON erasures (remind_at) WHERE completed_at IS NULL;

CREATE TABLE erasure_holders (
    erasure_id text        NOT NULL REFERENCES erasures (id),
    service    text        NOT NULL,
    state      text        NOT NULL CHECK (state IN ('pending', 'erased', 'retired')),
    deleted    jsonb       NOT NULL DEFAULT '{}',
    remaining  integer,
    erased_at  timestamptz,
    PRIMARY KEY (erasure_id, service)
);

-- +goose Down
DROP TABLE erasure_holders;
DROP TABLE erasures;
DROP TABLE holders;
DROP TABLE sessions;
DROP TABLE users;
