-- Roles and databases of the four services: one role per database, and no other role can connect to it.
-- The development passwords are <role>-development; a production cluster gets its own from its operator.
--
-- Both ways of running the system read this file with psql: Compose when the data volume is empty, the native
-- cluster at every start. Run again it changes nothing that stands, and puts back what is missing.

SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', name, name || '-development')
FROM unnest(ARRAY['auth', 'pizza', 'likes', 'events']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

SELECT format('CREATE DATABASE %I OWNER %I', name, name)
FROM unnest(ARRAY['auth', 'pizza', 'likes', 'events']) AS name
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name)
\gexec

-- PUBLIC may connect to any new database by default, so it is taken away everywhere, also from the databases that
-- every server has. The owner keeps its right, a superuser needs none.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name)
FROM unnest(ARRAY['auth', 'pizza', 'likes', 'events', 'postgres', 'template1']) AS name
\gexec
