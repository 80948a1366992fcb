// Package postgres gives a program its PostgreSQL database: one pool, the
// program's schemas brought up to date, and answers about what went wrong.
//
// The promise under failure: Open needs no server, and Run waits for one for
// ever, so a program may start before its database, before the database's role
// exists, or side by side with its own replicas; a session lock lets one of them
// migrate while the others wait. A server that goes away later fails the calls
// that meet it ([Down] tells these from failed statements), and the pool dials
// again by itself.
//
// Every connection has limits that the server enforces: a statement 15 s, a wait
// for a lock 5 s, a transaction that does nothing 30 s. Migrations run on a
// connection of their own without a limit on statements.
package postgres
