-- What the tables of all services have in common: versions of rows, and counts that do not count.

-- +goose Up

-- Versions. Each write of a row gives it a number that no row of this database has ever had, so a version that
-- somebody has seen stands for one state only, also when a row is deleted and another one comes to its id. Numbers of
-- transactions that were rolled back are lost, which is fine.
--
--     version bigint NOT NULL
--     CREATE TRIGGER pizzas_version BEFORE INSERT OR UPDATE ON pizzas FOR EACH ROW EXECUTE FUNCTION stamp_version();
CREATE SEQUENCE row_version;
SELECT setval('row_version', (random() * 2 ^ 40)::bigint + 1); -- so that a database made anew does not begin with the old versions

-- +goose StatementBegin
CREATE FUNCTION stamp_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := nextval('row_version');
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- Tallies. How many rows a table has, and where the row at an offset is, without reading those before it. The key that
-- orders the table is a column "id" or "position" that no row ever changes.
--
--     SELECT tally_table('pizzas', 'id');
--
-- The keys of a table are cut into blocks: block b of level s has the keys k with k >> s = b. What rows a block has is
-- the sum of its tallies; the highest level has one block, which is the count of the table. To find an offset, one level
-- after the other is summed up, each within one block of the level above it.
--
-- Why it is exact. A statement that changes a table writes, in its own transaction, what that adds to each block that it
-- touches, such as +3 or -1: its deltas. So whoever sees the rows sees their deltas. Merging replaces deltas by their
-- sum, in one transaction. Under READ COMMITTED each statement has one snapshot, in which that transaction has either
-- happened or not: a reader finds either the deltas or their sum, never both and never neither. (Two statements may see
-- two truths, so a list is read by one.) What is rolled back takes its deltas along.
--
-- Why it is cheap. Tallies are only inserted, and without a unique index, so writers never wait for each other here, and
-- cannot be in a deadlock that they would not be in without it. Who writes to one block merges one time in 32, who
-- writes to many always. At most one transaction per table does so at a time: who finds the lock taken leaves it to a
-- later one, so nobody waits for a merge either.
CREATE TABLE tallies (
    relation text    NOT NULL,
    shift    integer NOT NULL,
    block    bigint  NOT NULL,
    n        bigint  NOT NULL,
    delta    boolean NOT NULL -- false: merged, of which a block has at most one
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000); -- most of them do not live for long
CREATE INDEX tallies_block ON tallies (relation, shift, block);
CREATE INDEX tallies_delta ON tallies (relation) WHERE delta;

-- The levels. 256 rows in a block of the lowest one are few enough to be passed over one by one, and so are the 16
-- blocks of one level in a block of the next. The highest but one grows with the table: 954 blocks for 10^9 rows.
-- +goose StatementBegin
CREATE FUNCTION tally_levels() RETURNS integer[] LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[63, 20, 16, 12, 8] $$;
-- +goose StatementEnd

-- tally is the trigger. Its argument is the key's column.
-- +goose StatementBegin
CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign   integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    deltas integer;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN -- its lock has waited for everybody who wrote to the table
        DELETE FROM tallies WHERE relation = TG_TABLE_NAME;
        RETURN NULL;
    END IF;
    IF TG_ARGV[0] = 'id' THEN -- the statements are alike but for a name, so that each is planned once and not every time
        INSERT INTO tallies SELECT TG_TABLE_NAME, shift, id >> shift, sign * count(*), true
        FROM touched CROSS JOIN unnest(tally_levels()) AS shift GROUP BY 2, 3;
    ELSE
        INSERT INTO tallies SELECT TG_TABLE_NAME, shift, position >> shift, sign * count(*), true
        FROM touched CROSS JOIN unnest(tally_levels()) AS shift GROUP BY 2, 3;
    END IF;
    GET DIAGNOSTICS deltas = ROW_COUNT;
    IF random() < deltas / 160.0 THEN
        PERFORM merge_tallies(TG_TABLE_NAME, 1000 + deltas);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- merge_tallies merges at most so many deltas of a table; a sum of 0 goes. Under another isolation it leaves that to
-- others: to delete what somebody else has merged since its snapshot would fail.
-- +goose StatementBegin
CREATE FUNCTION merge_tallies(of text, most integer) RETURNS void
    LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed'
        OR NOT pg_try_advisory_xact_lock('tallies'::regclass::oid::integer, hashtext(of)) THEN
        RETURN;
    END IF;
    -- A statement of its own, so that it sees what the last one who had the lock has done.
    WITH taken AS (
        DELETE FROM tallies WHERE ctid = ANY (ARRAY (SELECT ctid FROM tallies WHERE relation = of AND delta LIMIT most))
        RETURNING shift, block, n
    ), merged AS (
        DELETE FROM tallies t USING (SELECT DISTINCT shift, block FROM taken) b
        WHERE t.relation = of AND t.shift = b.shift AND t.block = b.block AND NOT t.delta
        RETURNING t.shift, t.block, t.n
    )
    INSERT INTO tallies SELECT of, shift, block, sum(n), false
    FROM (SELECT * FROM taken UNION ALL SELECT * FROM merged) parts GROUP BY shift, block HAVING sum(n) <> 0;
END $$;
-- +goose StatementEnd

-- tally_count is how many rows the table has.
-- +goose StatementBegin
CREATE FUNCTION tally_count(of text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN -- STABLE: it has the snapshot of the statement that calls it
    RETURN coalesce((SELECT sum(n) FROM tallies WHERE relation = of AND shift = 63), 0);
END $$;
-- +goose StatementEnd

-- tally_seek finds the row that has skip others before it (or, with from_end, behind it): the one with rest others before
-- it among the keys from first to last, which are one block of the lowest level. It also counts the table. If there is no
-- such row, all but the count are null.
-- +goose StatementBegin
CREATE FUNCTION tally_seek(of text, skip bigint, from_end boolean, OUT count bigint, OUT first bigint, OUT last bigint, OUT rest bigint)
    LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    level integer;
    b     bigint;
    n     bigint;
BEGIN
    count := tally_count(of);
    IF skip >= count THEN
        RETURN;
    END IF;
    rest := CASE WHEN from_end THEN count - 1 - skip ELSE skip END;
    first := -9223372036854775808;
    last := 9223372036854775807;
    FOREACH level IN ARRAY (tally_levels())[2:] LOOP
        FOR b, n IN
            SELECT t.block, sum(t.n::integer) FROM tallies t -- small enough, and faster
            WHERE t.relation = of AND t.shift = level AND t.block BETWEEN first >> level AND last >> level
            GROUP BY t.block ORDER BY t.block
        LOOP
            EXIT WHEN n > rest;
            rest := rest - n;
        END LOOP;
        first := b << level;
        last := first | ~(-1::bigint << level);
    END LOOP;
END $$;
-- +goose StatementEnd

-- tally_table has the table tallied by that key from now on.
-- +goose StatementBegin
CREATE FUNCTION tally_table(of regclass, key text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER tally_added AFTER INSERT ON %s REFERENCING NEW TABLE AS touched
        FOR EACH STATEMENT EXECUTE FUNCTION tally(%L)', of, key);
    EXECUTE format('CREATE TRIGGER tally_removed AFTER DELETE ON %s REFERENCING OLD TABLE AS touched
        FOR EACH STATEMENT EXECUTE FUNCTION tally(%L)', of, key);
    EXECUTE format('CREATE TRIGGER tally_emptied AFTER TRUNCATE ON %s
        FOR EACH STATEMENT EXECUTE FUNCTION tally(%L)', of, key);
    PERFORM tally_again(of, key);
END $$;
-- +goose StatementEnd

-- tally_again counts a table anew, while nobody writes to it.
-- +goose StatementBegin
CREATE FUNCTION tally_again(of regclass, key text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := (SELECT relname FROM pg_class WHERE oid = of);
BEGIN
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', of);
    DELETE FROM tallies WHERE relation = name;
    EXECUTE format('INSERT INTO tallies SELECT %L, shift, %I >> shift, count(*), false
        FROM %s CROSS JOIN unnest(tally_levels()) AS shift GROUP BY 2, 3', name, key, of);
END $$;
-- +goose StatementEnd

-- untally_table ends it.
-- +goose StatementBegin
CREATE FUNCTION untally_table(of regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TRIGGER tally_added ON %s', of);
    EXECUTE format('DROP TRIGGER tally_removed ON %s', of);
    EXECUTE format('DROP TRIGGER tally_emptied ON %s', of);
    DELETE FROM tallies WHERE relation = (SELECT relname FROM pg_class WHERE oid = of);
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION untally_table, tally_again, tally_table, tally_seek, tally_count, tally, merge_tallies, tally_levels;
DROP TABLE tallies;
DROP FUNCTION stamp_version;
DROP SEQUENCE row_version;
