package deadletter

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARedactedBodyShowsItsShapeAndNoValue(t *testing.T) {
	for name, test := range map[string]struct{ contentType, body, expected string }{
		"strings have a length":            {"application/json", `{"user_uuid":"3b0a4a4e-5b9d-4f8e-9d7e-0c4f8a2d1e6b"}`, `{"user_uuid":"…36 characters"}`},
		"characters are not bytes":         {"application/json", `{"name":"Žofie"}`, `{"name":"…5 characters"}`},
		"other values have a kind":         {"application/json", `{"id":42,"staff":true,"gone":null}`, `{"id":"…a number","staff":"…true or false","gone":null}`},
		"documents within are looked into": {"application/json", `{"a":[{"mail":"x@y"}, 7]}`, `{"a":[{"mail":"…3 characters"},"…a number"]}`},
		"parameters do not matter":         {"application/json; charset=utf-8", `{"a":"b"}`, `{"a":"…1 characters"}`},
		"nor do relatives of JSON":         {"application/merge-patch+json", `{"a":"b"}`, `{"a":"…1 characters"}`},
		"long arrays are cut":              {"application/json", `[1,2,3,4,5,6,7,8,9,10,11,12]`, `[` + strings.Repeat(`"…a number",`, 10) + `"…2 more"]`},
		"a document that is only a value":  {"application/json", `"secret"`, `"…6 characters"`},
		"broken JSON has a size":           {"application/json", `{"secret":`, `"…10 bytes"`},
		"two documents have one too":       {"application/json", `{} "secret"`, `"…11 bytes"`},
		"and so has anything else":         {"application/x-protobuf", "secret", `"…6 bytes"`},
		"without a type also":              {"", `{"secret":1}`, `"…12 bytes"`},
	} {
		t.Run(name, func(t *testing.T) {
			shown, err := json.Marshal(redacted(test.contentType, []byte(test.body)))
			require.NoError(t, err)
			assert.JSONEq(t, test.expected, string(shown))
		})
	}
}

func FuzzRedactedShowsNoText(f *testing.F) {
	f.Add("application/json", `{"a":["top secret"]}`)
	f.Add("text/plain", "top secret")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		text, err := json.Marshal("top secret" + body)
		require.NoError(t, err)
		shown, err := json.Marshal(redacted(contentType, []byte(`{"a":`+string(text)+`}`)))
		require.NoError(t, err)
		assert.NotContains(t, string(shown), "top secret")
	})
}

func TestARevealedBodyIsReadable(t *testing.T) {
	assert.Equal(t, map[string]any{"id": json.Number("9007199254740993")}, revealed("application/json", []byte(`{"id":9007199254740993}`)))
	assert.Equal(t, "plain", revealed("text/plain", []byte("plain")))
	assert.Equal(t, "hex:ff00", revealed("application/x-protobuf", []byte{255, 0}))
}

func TestASelectionSelectsInOneWay(t *testing.T) {
	for _, good := range []Selection{{IDs: []string{"a"}}, {Reason: "down"}, {All: true}} {
		require.NoError(t, good.Validate())
	}
	for _, bad := range []Selection{{}, {IDs: []string{"a"}, All: true}, {Reason: "down", All: true}, {IDs: []string{"a"}, Reason: "down"}} {
		require.ErrorIs(t, bad.Validate(), ErrSelection)
	}
}
