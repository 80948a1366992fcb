package representation_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/tizza/tizza/pkg/representation"
)

// Thing has a field of every sort that models have.
type Thing struct {
	ID     int64            `json:"id"`
	Small  int32            `json:"small"`
	Title  string           `json:"title"`
	Note   *string          `json:"note"`
	Owner  orNull           `json:"owner"`
	Made   time.Time        `json:"made"`
	Ended  *time.Time       `json:"ended,omitempty"`
	Done   bool             `json:"done"`
	Ratio  float64          `json:"ratio"`
	Tags   []string         `json:"tags"`
	Parts  []Part           `json:"parts"`
	Part   *Part            `json:"part"`
	Counts map[string]int32 `json:"counts"`
	ByName map[string]Part  `json:"by_name"`
}

type Part struct {
	ID   uuid.UUID `json:"id"`
	Note string    `json:"note,omitempty"`
}

// orNull is how generated models keep null and absent apart.
type orNull map[bool]uuid.UUID

func (n orNull) MarshalJSON() ([]byte, error) {
	if value, ok := n[true]; ok {
		return json.Marshal(value)
	}
	return []byte("null"), nil
}

const file = `
name: "thing.proto" package: "test" syntax: "proto3"
dependency: "google/protobuf/timestamp.proto" dependency: "google/protobuf/field_mask.proto"
message_type {
  name: "Thing"
  field { name: "id" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL }
  field { name: "small" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL }
  field { name: "title" number: 3 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "note" number: 4 type: TYPE_STRING label: LABEL_OPTIONAL proto3_optional: true oneof_index: 0 }
  field { name: "owner" number: 5 type: TYPE_STRING label: LABEL_OPTIONAL proto3_optional: true oneof_index: 1 }
  field { name: "made" number: 6 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "ended" number: 7 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "done" number: 8 type: TYPE_BOOL label: LABEL_OPTIONAL }
  field { name: "ratio" number: 9 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
  field { name: "tags" number: 10 type: TYPE_STRING label: LABEL_REPEATED }
  field { name: "parts" number: 11 type: TYPE_MESSAGE type_name: ".test.Part" label: LABEL_REPEATED }
  field { name: "part" number: 12 type: TYPE_MESSAGE type_name: ".test.Part" label: LABEL_OPTIONAL }
  field { name: "counts" number: 13 type: TYPE_MESSAGE type_name: ".test.Thing.CountsEntry" label: LABEL_REPEATED }
  field { name: "by_name" number: 14 type: TYPE_MESSAGE type_name: ".test.Thing.ByNameEntry" label: LABEL_REPEATED }
  field { name: "update_mask" number: 100 type: TYPE_MESSAGE type_name: ".google.protobuf.FieldMask" label: LABEL_OPTIONAL }
  nested_type {
    name: "CountsEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL }
  }
  nested_type {
    name: "ByNameEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_MESSAGE type_name: ".test.Part" label: LABEL_OPTIONAL }
  }
  oneof_decl { name: "_note" } oneof_decl { name: "_owner" }
}
message_type {
  name: "Part"
  field { name: "id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "note" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
}`

func descriptor(t testing.TB) protoreflect.FileDescriptor {
	t.Helper()
	var parsed descriptorpb.FileDescriptorProto
	require.NoError(t, prototext.Unmarshal([]byte(file), &parsed))
	made, err := protodesc.NewFile(&parsed, protoregistry.GlobalFiles)
	require.NoError(t, err)
	return made
}

func codec(t testing.TB) *representation.Codec {
	t.Helper()
	c, err := representation.NewCodec(descriptor(t))
	require.NoError(t, err)
	return c
}

// Times are those that RFC 3339 and a Timestamp both have.
var (
	times = rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999999999).Draw(t, "nanos")).UTC()
	})
	ids   = rapid.Custom(func(t *rapid.T) uuid.UUID { return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid")) })
	parts = rapid.Custom(func(t *rapid.T) Part { return Part{ids.Draw(t, "id"), rapid.String().Draw(t, "note")} })
)

var things = rapid.Custom(func(t *rapid.T) Thing {
	owner := orNull{}
	if rapid.Bool().Draw(t, "owned") {
		owner[true] = ids.Draw(t, "owner")
	}
	return Thing{
		ID: rapid.Int64Range(-1<<53, 1<<53).Draw(t, "id"), Small: rapid.Int32().Draw(t, "small"),
		Title: rapid.String().Draw(t, "title"), Note: rapid.Ptr(rapid.String(), true).Draw(t, "note"), Owner: owner,
		Made: times.Draw(t, "made"), Ended: rapid.Ptr(times, true).Draw(t, "ended"), Done: rapid.Bool().Draw(t, "done"),
		Ratio: rapid.Float64Range(-1e9, 1e9).Draw(t, "ratio"), Tags: rapid.SliceOf(rapid.String()).Draw(t, "tags"),
		Parts: rapid.SliceOf(parts).Draw(t, "parts"), Part: rapid.Ptr(parts, true).Draw(t, "part"),
		Counts: rapid.MapOf(rapid.String(), rapid.Int32()).Draw(t, "counts"),
		ByName: rapid.MapOf(rapid.String(), parts).Draw(t, "by name"),
	}
})
