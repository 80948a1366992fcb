// Package conformance holds a running service against the OpenAPI document that it serves. A [Service] sends requests in
// any of the formats and codings, and looks at each answer for itself: whether the document has such a status for this
// operation, with these headers, this media type and a body of this schema; and whether it is what HTTP says of every
// answer (lengths, tags, Vary, Allow). A [Ledger] keeps which of the documented statuses have been seen.
//
// It reads and writes MessagePack and Protobuf with their own libraries, not with what the services use: an error that
// reading and writing share would otherwise cancel itself out.
package conformance
