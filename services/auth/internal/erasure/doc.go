// Package erasure is the ledger of people who asked to be forgotten, and of who has done so.
//
// An erasure begins in the transaction that deletes the user. It waits for every holder of personal data that was
// known then, for each that becomes known while it is open, and for each that answers without having been known:
//
//	                receipt, nothing left
//	        ┌────────────────────────────────▶ erased
//	pending │
//	        └────────────────────────────────▶ retired
//	                operator took it out
//
// It is complete when no holder is pending. As long as nobody but auth has ever been known as a holder (etcd has not
// been read yet, or is new), that says nothing, and the erasure stays open. Until it is complete, its message is sent
// again and again, with growing delay: a holder that lost it is told again.
//
// Holders become known from a list that may be wiped, so to be missing from it means nothing. Only a deletion that was
// seen retires one.
package erasure
