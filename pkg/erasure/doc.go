// Package erasure makes one database forget a person, and stay that way.
//
// A Holder knows from its Register which columns point to people. Erase, in the caller's transaction, deletes the
// person's rows, scans for what is left, leaves a tombstone and keeps a receipt under the id of the message that
// ordered it. The same message again finds its receipt and changes nothing; a new message for the same person is a
// new round and erases what it finds.
//
//	order ──▶ lock the person ──▶ receipt there? ──yes──▶ that receipt
//	                                   │no
//	                                   ▼
//	            delete by register ▶ scan ▶ tombstone ▶ new receipt
//
// Admit is the other side: whoever writes something by or about a person calls it first, in the same transaction. It
// refuses those with a tombstone. Both take an advisory lock on the person, Admit a shared and Erase an exclusive one,
// which lasts as long as the transaction: a write is either committed before the erasure looks, and deleted by it, or
// begins after it, and is refused. Without the lock, a write could look before the tombstone and commit after the
// delete (READ COMMITTED sees neither).
//
// A tombstone is an HMAC-SHA256 of the person's id: it names nobody to those who do not hold the key. Losing or
// changing the key makes the tombstones forget: keep it as long as the database.
package erasure
