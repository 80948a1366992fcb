package message_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/message"
)

func TestATypeIsANameAndASemanticVersion(t *testing.T) {
	for text, want := range map[string]message.Type{
		"user.deleted.2.0.0":          {Name: "user.deleted", Major: 2},
		"user.deleted.2.10.7":         {Name: "user.deleted", Major: 2, Minor: 10, Patch: 7},
		"saved.0.0.0":                 {Name: "saved"},
		"order.line-item.sent2.1.0.0": {Name: "order.line-item.sent2", Major: 1},
	} {
		got, err := message.ParseType(text)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		assert.Equal(t, text, got.String())
	}
}

func TestAKindIsTheNameAndTheMajorVersion(t *testing.T) {
	got, err := message.ParseType("user.deleted.2.1.0")
	require.NoError(t, err)
	assert.Equal(t, "user.deleted.2", got.Kind())
}

func TestWhatIsNotATypeIsRefusedByWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      `is empty`,
		"user.deleted":                          `want a name and three numbers`,
		"2.0.0":                                 `want a name and three numbers`,
		"user.deleted.2":                        `want a name and three numbers`,
		"user.deleted.2.0":                      `major version: "deleted" is not a number`,
		"user.deleted.2.0.0-rc1":                `patch version: "0-rc1" is not a number`,
		"user.deleted.2.-1.0":                   `minor version: "-1" is not a number`,
		"user.deleted.2.0.+0":                   `patch version: "+0" is not a number`,
		"user.deleted.2.0.":                     `patch version: "" is not a number`,
		"user.deleted.02.0.0":                   `major version: "02" has a leading zero`,
		"user.deleted.2.0.٣":                    `patch version: "٣" is not a number`,
		"user.deleted.2.0.99999999999999999999": `patch version: "99999999999999999999" is too large`,
		"User.deleted.2.0.0":                    `name: "User" is not a word`,
		"user..2.0.0":                           `name: "" is not a word`,
		".user.deleted.2.0.0":                   `name: "" is not a word`,
		"user.#.2.0.0":                          `name: "#" is not a word`,
		"user.*.2.0.0":                          `name: "*" is not a word`,
		"user.deleted.1.2.0.0":                  `name: "1" is not a word`,
		"user deleted.2.0.0":                    `name: "user deleted" is not a word`,
		strings.Repeat("a", 250) + ".1.0.0":     `has 256 bytes, at most 255 fit`,
	} {
		_, err := message.ParseType(text)
		require.ErrorContains(t, err, want, "%q", text)
		require.ErrorContains(t, err, "message type ")
	}
}

func FuzzParseTypeAcceptsExactlyWhatStringWrites(f *testing.F) {
	for _, seed := range []string{"user.deleted.2.0.0", "saved.0.10.7", "user.deleted.02.0.0", "a..1.2.3", "a.b.9223372036854775808.0.0", "\xff.1.0.0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := message.ParseType(text)
		if err != nil {
			assert.Zero(t, got)
			return
		}
		assert.Equal(t, text, got.String())
		assert.True(t, strings.HasPrefix(text, got.Kind()+"."))
		assert.NotContains(t, got.Name, "#")
		assert.NotContains(t, got.Name, "*")
	})
}
