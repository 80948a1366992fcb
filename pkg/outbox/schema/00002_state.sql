-- What a row is waiting for is said in the row. A relay of the version before goes by available_at alone, which goes on
-- meaning what it meant: when a relay may take the row.

-- +goose Up
ALTER TABLE outbox
    ADD COLUMN state     text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'claimed', 'parked')),
    ADD COLUMN parked_at timestamptz; -- when it was parked for the first time
CREATE INDEX outbox_due ON outbox (state, available_at); -- without the id, or the planner would look for ids in it
DROP INDEX outbox_available;
-- Every row is written twice and deleted soon after: what is dead is to be cleared away by number, not by share.
ALTER TABLE outbox SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000, toast.autovacuum_vacuum_cost_delay = 0
);

-- +goose Down
ALTER TABLE outbox RESET (
    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay,
    autovacuum_analyze_scale_factor, autovacuum_analyze_threshold,
    toast.autovacuum_vacuum_scale_factor, toast.autovacuum_vacuum_threshold, toast.autovacuum_vacuum_cost_delay
);
CREATE INDEX outbox_available ON outbox (available_at, id);
ALTER TABLE outbox DROP COLUMN parked_at, DROP COLUMN state; -- and outbox_due with it
