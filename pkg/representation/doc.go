// Package representation is one document in the three formats that an HTTP API
// speaks: JSON, MessagePack and Protobuf, plain or in gzip.
//
// The data model is JSON's, and every format says the same facts:
//
//	           null     integer   time, UUID         object
//	JSON       null     17        string, RFC 3339   object
//	MsgPack    nil      int       string, RFC 3339   map with text keys
//	Protobuf   unset    varint    Timestamp, string  message with fields of the same names
//
// Out goes a Go value: a Codec writes what encoding/json would write of it. The
// Protobuf message has the name of the value's type, as both have the name of
// the schema in the OpenAPI document. In comes a tree of JSON's types, whatever
// the format was, so one validator sees them all. In a Protobuf message unset is
// "not said"; the paths of a field update_mask (google.protobuf.FieldMask) that
// are unset say null.
//
// What comes from outside is bounded: depth, values, numbers, gzip's output. A body that
// cannot be read is a fault.Invalid that says why, and costs no more memory than
// a small multiple of its length.
package representation
