package message_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/tizza/tizza/pkg/message"
)

// The codec knows nothing of the schemas it is used with, so any will do: UninterpretedOption has 64-bit fields.
func sample() *descriptorpb.UninterpretedOption {
	return &descriptorpb.UninterpretedOption{PositiveIntValue: proto.Uint64(1 << 40), IdentifierValue: proto.String("a")}
}

func TestBothFormatsGiveTheSameBodyBack(t *testing.T) {
	for _, format := range []message.Format{message.JSON, message.Protobuf} {
		contentType, encoded, err := message.Encode(format, sample())
		require.NoError(t, err)
		var got descriptorpb.UninterpretedOption
		require.NoError(t, message.Decode(contentType, encoded, &got))
		assert.True(t, proto.Equal(sample(), &got), "%s", format)
	}
}

func TestJSONHasSchemaNamesAndNumbers(t *testing.T) {
	_, encoded, err := message.Encode(message.JSON, sample())
	require.NoError(t, err)
	assert.Contains(t, string(encoded), `"positive_int_value":1099511627776`)
}

func TestDecodeRefusesWhatItCannotRead(t *testing.T) {
	for name, test := range map[string]struct{ contentType, body string }{
		"another media type":      {"application/xml", "<a/>"},
		"a broken media type":     {"application/", "{}"},
		"not JSON":                {"application/json", "{"},
		"a field of a wrong type": {"application/json", `{"identifier_value": 7}`},
		"not Protobuf":            {"application/x-protobuf", "\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, message.Decode(test.contentType, []byte(test.body), &descriptorpb.UninterpretedOption{}))
		})
	}
}

func TestUnknownFieldsAreSkipped(t *testing.T) {
	require.NoError(t, message.Decode("", []byte(`{"identifier_value": "a", "added_later": true}`), &descriptorpb.UninterpretedOption{}))
}

func TestFormatTakesOnlyItsNames(t *testing.T) {
	var f message.Format
	require.NoError(t, f.UnmarshalText([]byte("protobuf")))
	assert.Equal(t, message.Protobuf, f)
	require.Error(t, f.UnmarshalText([]byte("xml")))
}

func TestWhatCannotBeReadIsNotRepeated(t *testing.T) {
	for body, want := range map[string]string{
		`{"positive_int_value":"hunter2"}`: "google.protobuf.UninterpretedOption: not valid application/json (line 1:23)",
		`{hunter2`:                         "google.protobuf.UninterpretedOption: not valid application/json",
		`"hunter2"`:                        "google.protobuf.UninterpretedOption: not valid application/json",
	} {
		err := message.Decode("application/json", []byte(body), new(descriptorpb.UninterpretedOption))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "hunter2")
		assert.Contains(t, err.Error(), want)
	}
}
