package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/tizza/tizza/pkg/representation"
	likesv1 "github.com/tizza/tizza/proto/likes/v1"
	"github.com/tizza/tizza/services/likes/internal/httpapi"
)

// in makes the headers of who speaks the format.
func in(format representation.Format, more ...string) []string {
	return append([]string{"Accept", format.MediaType(), "Content-Type", format.MediaType()}, more...)
}

func TestALikeIsTheSameInEveryFormat(t *testing.T) {
	handler := serve(t)
	const path = "/api/v1/likes/7"
	want(t, http.StatusCreated, handler, "PUT", path, `{"user":"`+uuid.NewString()+`","pizza":1}`)
	codec, err := representation.NewCodec(httpapi.Messages()...)
	require.NoError(t, err)
	trees := map[string]any{} // by the tag
	for _, format := range representation.Formats {
		given := want(t, http.StatusOK, handler, "GET", path, "", in(format)...)
		assert.Equal(t, format.MediaType(), given.Header().Get("Content-Type"))
		trees[given.tag()], err = codec.Read(format, "Like", given.Body.Bytes())
		require.NoError(t, err)

		put := want(t, http.StatusOK, handler, "PUT", path, given.Body.String(), in(format, "If-Match", given.tag())...)
		assert.Equal(t, given.Body.Bytes(), put.Body.Bytes(), "what GET gave can be PUT back")
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
	handler := serve(t)
	ann := uuid.NewString()
	for _, pizza := range []int64{12, 13} { // 13 is gone
		body, err := proto.Marshal(&likesv1.NewLike{User: &ann, Pizza: &pizza})
		require.NoError(t, err)
		made := want(t, http.StatusCreated, handler, "POST", "/api/v1/likes", string(body), in(representation.Protobuf)...)
		var l likesv1.Like
		require.NoError(t, proto.Unmarshal(made.Body.Bytes(), &l))
		assert.Equal(t, ann, l.GetUser())
		assert.Equal(t, pizza, l.GetPizza())
	}
	var list likesv1.ExpandedLikeList
	a := want(t, http.StatusOK, handler, "GET", "/api/v1/likes?expand=pizza", "", in(representation.Protobuf)...)
	require.NoError(t, proto.Unmarshal(a.Body.Bytes(), &list))
	require.Len(t, list.GetResults(), 2)
	assert.Equal(t, "Pizza 12", list.GetResults()[0].GetPizza().GetTitle())
	assert.Nil(t, list.GetResults()[1].GetPizza())

	var counts likesv1.Counts
	a = want(t, http.StatusOK, handler, "GET", "/api/v1/likes/counts?pizza=12&pizza=1", "", in(representation.Protobuf)...)
	require.NoError(t, proto.Unmarshal(a.Body.Bytes(), &counts))
	assert.EqualValues(t, 1, counts.GetResults()[0].GetCount())
	assert.EqualValues(t, 0, counts.GetResults()[1].GetCount())
}
