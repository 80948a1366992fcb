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
//
// Tables that include [Rows] have a version in every row, which no other state of
// any row ever has, and tallies, which know how many rows there are and where an
// offset is. [Put] writes a row under its lock, and not if nothing changes;
// [Window] reads a part of a list at a cost that does not grow with the list.
package postgres
