package representation_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/representation"
)

func TestAllFormatsSayTheSame(t *testing.T) {
	t.Parallel()
	c := codec(t)
	rapid.Check(t, func(rt *rapid.T) {
		thing := things.Draw(rt, "thing")
		text, err := json.Marshal(thing)
		require.NoError(rt, err)
		want, err := c.Read(representation.JSON, "Thing", text)
		require.NoError(rt, err)
		for _, format := range representation.Formats {
			data, err := c.Write(format, thing)
			require.NoError(rt, err)
			got, err := c.Read(format, "Thing", data)
			require.NoError(rt, err, "%s: %x", format, data)
			if format == representation.Protobuf { // which leaves out what null, zero and empty would say
				assert.Equal(rt, significant(want), significant(got), format)
				continue
			}
			assert.Equal(rt, want, got, format)
		}
	})
}

// significant is a tree without the members that Protobuf need not write.
func significant(tree any) any {
	switch v := tree.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, member := range v {
			if member = significant(member); member != nil {
				kept[key] = member
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	case []any:
		if len(v) == 0 {
			return nil
		}
		kept := make([]any, len(v))
		for i := range v {
			kept[i] = significant(v[i])
		}
		return kept
	case json.Number:
		if f, err := v.Float64(); err == nil && f == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return tree
}

func TestProtobufIsWhatTheLibraryWrites(t *testing.T) {
	t.Parallel()
	c, kind := codec(t), descriptor(t).Messages().ByName("Thing")
	rapid.Check(t, func(rt *rapid.T) {
		data, err := c.Write(representation.Protobuf, things.Draw(rt, "thing"))
		require.NoError(rt, err)
		ours, again := dynamicpb.NewMessage(kind), dynamicpb.NewMessage(kind)
		require.NoError(rt, proto.Unmarshal(data, ours))
		theirs, err := proto.Marshal(ours)
		require.NoError(rt, err)
		require.NoError(rt, proto.Unmarshal(theirs, again))
		assert.True(rt, proto.Equal(ours, again))
		assert.LessOrEqual(rt, len(data), len(theirs), "and no longer")
	})
}

func TestADocumentThatDoesNotFitItsMessageIsAnError(t *testing.T) {
	t.Parallel()
	type Part struct {
		Name string `json:"name"` // the message has no such field
	}
	type Thing struct {
		ID string `json:"id"` // there it is a number
	}
	type Unknown struct{}
	for _, v := range []any{Part{"x"}, Thing{"x"}, Unknown{}} {
		_, err := codec(t).Write(representation.Protobuf, v)
		assert.Error(t, err)
	}
	_, err := representation.NewCodec(descriptor(t), descriptor(t))
	assert.ErrorContains(t, err, "another one has this name")
}

func TestBadBodiesAreRefused(t *testing.T) {
	t.Parallel()
	c := codec(t)
	deepMsgpack := strings.Repeat("\x91", 10_000) + "\xc0"
	const j, m, p = representation.JSON, representation.MessagePack, representation.Protobuf
	for name, tc := range map[string]struct {
		format representation.Format
		body   string
		want   fault.Field
	}{
		"nothing":             {j, " ", fault.Field{Field: "body", Detail: "must not be empty"}},
		"a key twice":         {j, `{"a":{"b":1,"b":2}}`, fault.Field{Field: "a.b", Detail: "is there twice"}},
		"bytes that are none": {j, "{\"a\":\"\xff\"}", fault.Field{Field: "body", Detail: "is not valid UTF-8 (at byte 6)"}},
		"a lone surrogate":    {j, `{"a":"\ud800"}`, fault.Field{Field: "body", Detail: "is not valid UTF-8 (at byte 6)"}},
		"half an object":      {j, `{"a":`, fault.Field{Field: "body", Detail: "is not valid JSON (at byte 5)"}},
		"two values":          {j, `{} {}`, fault.Field{Field: "body", Detail: "must be one JSON value with nothing behind it"}},
		"a comment":           {j, `{} // x`, fault.Field{Field: "body", Detail: "must be one JSON value with nothing behind it"}},
		"NaN":                 {j, `NaN`, fault.Field{Field: "body", Detail: "is not valid JSON (at byte 0)"}},
		"more than it may":    {j, "[" + strings.Repeat("1,", 10_000) + "1]", fault.Field{Field: "body", Detail: "must not hold more than 10000 values"}},
		"lists without end":   {j, strings.Repeat("[", 100_000), fault.Field{Field: "body", Detail: "must not nest deeper than 32"}},

		"nothing in MessagePack":         {m, "", fault.Field{Field: "body", Detail: "must not be empty"}},
		"a list of 4 billion in 5 bytes": {m, "\xdd\xff\xff\xff\xff", fault.Field{Field: "body", Detail: "is not valid MessagePack"}},
		"a map of 4 billion in 5 bytes":  {m, "\xdf\xff\xff\xff\xff", fault.Field{Field: "body", Detail: "must have text as the keys of maps"}},
		"a text of 4 GB in 5 bytes":      {m, "\xdb\xff\xff\xff\xff", fault.Field{Field: "body", Detail: "is not valid MessagePack"}},
		"a key that is no text":          {m, "\x81\x01\x02", fault.Field{Field: "body", Detail: "must have text as the keys of maps"}},
		"a key twice in MessagePack":     {m, "\x82\xa1a\x01\xa1a\x02", fault.Field{Field: "a", Detail: "is there twice"}},
		"bad UTF-8 in MessagePack":       {m, "\xa1\xff", fault.Field{Field: "body", Detail: "is not valid UTF-8"}},
		"bytes in MessagePack":           {m, "\xc4\x01a", fault.Field{Field: "body", Detail: "must hold text, numbers, true, false, nil, lists and maps only"}},
		"an extension":                   {m, "\xd4\x42\x00", fault.Field{Field: "body", Detail: "must hold text, numbers, true, false, nil, lists and maps only"}},
		"a byte that begins nothing":     {m, "\xc1", fault.Field{Field: "body", Detail: "is not valid MessagePack"}},
		"NaN in MessagePack":             {m, "\xcb" + string(binary.BigEndian.AppendUint64(nil, math.Float64bits(math.NaN()))), fault.Field{Field: "body", Detail: "must not hold NaN or infinity"}},
		"a value behind it":              {m, "\x80\x80", fault.Field{Field: "body", Detail: "must be one MessagePack value with nothing behind it"}},
		"many nils":                      {m, "\xdc\xff\xff" + strings.Repeat("\xc0", 0xffff), fault.Field{Field: "body", Detail: "must not hold more than 10000 values"}},
		"deep MessagePack":               {m, deepMsgpack, fault.Field{Field: "body", Detail: "must not nest deeper than 32"}},

		"no Protobuf":          {p, "\xff", fault.Field{Field: "body", Detail: "is not a valid Protobuf message test.Thing"}},
		"bad UTF-8 in it":      {p, "\x1a\x01\xff", fault.Field{Field: "body", Detail: "is not a valid Protobuf message test.Thing"}},
		"an unknown number":    {p, string(protowire.AppendVarint(protowire.AppendTag(nil, 77, protowire.VarintType), 1)), fault.Field{Field: "#77", Detail: "is not a known field"}},
		"one inside of it":     {p, "\x62\x02\x18\x01", fault.Field{Field: "part.#3", Detail: "is not a known field"}},
		"NaN as a double":      {p, "\x49" + string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(math.NaN()))), fault.Field{Field: "ratio", Detail: "must not be NaN or infinity"}},
		"a mask of what is no": {p, "\xa2\x06\x03\x0a\x01x", fault.Field{Field: "update_mask", Detail: "must hold names of fields only"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.Read(tc.format, "Thing", []byte(tc.body))
			require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
			assert.Equal(t, []fault.Field{tc.want}, fault.From(err).Fields)
		})
	}
}

func TestWhatComesIn(t *testing.T) {
	t.Parallel()
	c := codec(t)
	for name, tc := range map[string]struct {
		format representation.Format
		body   string
		want   any
	}{
		"numbers that are whole are written so": {representation.JSON, `[17, 17.0, 1.7e1, 1.5, 1e400, 12345678901234567890]`,
			[]any{json.Number("17"), json.Number("17"), json.Number("17"), json.Number("1.5"), json.Number("1e400"), json.Number("12345678901234567890")}},
		"also in MessagePack":                 {representation.MessagePack, string(msgp.AppendFloat64(nil, 17)), json.Number("17")},
		"unset is not said, masked is null":   {representation.Protobuf, "\x1a\x01a\xa2\x06\x06\x0a\x04note", map[string]any{"title": "a", "note": nil}},
		"a time that is none stays a mistake": {representation.Protobuf, "\x32\x06\x10\xff\xff\xff\xff\x0f", map[string]any{"made": "out of range"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.Read(tc.format, "Thing", []byte(tc.body))
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestABodyCostsNoMoreThanItsLength(t *testing.T) {
	c := codec(t)
	for _, format := range representation.Formats {
		for _, body := range []string{"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff\xa1a", strings.Repeat("[", 1<<20), strings.Repeat("\x91", 1<<20), strings.Repeat("\x62\x00", 1<<19)} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = c.Read(format, "Thing", []byte(body))
			runtime.ReadMemStats(&after)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32*len(body)+1<<20), "%s %q…", format, body[:5])
		}
	}
}

func FuzzRead(f *testing.F) {
	c := codec(f)
	for _, seed := range []string{`{"id":1,"parts":[{"id":"x"}]}`, "\x81\xa2id\x01", "\x08\x01\x1a\x01a", "\xd6\xff\x00\x00\x00\x01", "\xdd\xff\xff\xff\xff"} {
		for format := range representation.Formats {
			f.Add(format, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, format int, data []byte) {
		if format < 0 || format >= len(representation.Formats) {
			return
		}
		tree, err := c.Read(representation.Formats[format], "Thing", data)
		if err != nil {
			assert.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
			return
		}
		text, err := json.Marshal(tree)
		require.NoError(t, err, "what is read can be written")
		again, err := c.Read(representation.JSON, "Thing", text)
		require.NoError(t, err)
		assert.Equal(t, tree, again)
	})
}
