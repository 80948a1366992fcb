package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/tizza/tizza/pkg/representation"
	authv1 "github.com/tizza/tizza/proto/auth/v1"
	"github.com/tizza/tizza/services/auth/internal/httpapi"
)

// in is the caller who speaks the format.
func in(format representation.Format, by caller) caller {
	return asking(by, "Accept", format.MediaType(), "Content-Type", format.MediaType())
}

func TestAUserIsTheSameInEveryFormat(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada", true) // staff, as false is not on the wire in Protobuf
	codec, err := representation.NewCodec(httpapi.Messages()...)
	require.NoError(t, err)
	trees := map[string]any{} // by the tag
	for _, format := range representation.Formats {
		given := w.status(http.StatusOK, in(format, ada.as), "GET", ada.path(), nil)
		assert.Equal(t, format.MediaType(), given.Header.Get("Content-Type"))
		trees[given.tag()], err = codec.Read(format, "User", given.body)
		require.NoError(t, err)

		put := w.status(http.StatusOK, asking(in(format, ada.as), "If-Match", given.tag()), "PUT", ada.path(), given.body)
		assert.Equal(t, given.body, put.body, "what GET gave can be PUT back")
		assert.Equal(t, given.tag(), put.tag())
	}
	assert.Len(t, trees, len(representation.Formats))
	for _, tree := range trees {
		for _, other := range trees {
			assert.Equal(t, other, tree)
		}
	}
}

func TestProtobufIsWhatProtoSays(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", true)
	by := in(representation.Protobuf, operator)
	patch, err := proto.Marshal(&authv1.UserPatch{
		Email: new("new@example.org"), UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"email", "staff"}},
	})
	require.NoError(t, err)

	a := w.status(http.StatusOK, by, "PATCH", boss.path(), patch)

	var u authv1.User
	require.NoError(t, proto.Unmarshal(a.body, &u))
	assert.Equal(t, "new@example.org", u.GetEmail())
	assert.False(t, u.GetStaff(), "in the mask and not set: null")
	assert.Equal(t, "boss", u.GetUsername(), "not in the mask")
}
