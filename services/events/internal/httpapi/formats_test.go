package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tizza/tizza/pkg/representation"
	eventsv1 "github.com/tizza/tizza/proto/events/v1"
	"github.com/tizza/tizza/services/events/internal/httpapi"
)

// in makes the headers of who speaks the format.
func in(format representation.Format, more ...string) []string {
	return append([]string{"Accept", format.MediaType(), "Content-Type", format.MediaType()}, more...)
}

func TestAnEventIsTheSameInEveryFormat(t *testing.T) {
	t.Parallel()
	ada := person(uuid.New())
	s := serve(t, menu{7: "Funghi"}, nil)
	s.want(http.StatusCreated, ada, "PUT", "/events/7",
		`{"title":"Picnic","description":"bring a blanket","place":"the park","starts_at":"2026-07-01T14:00:00.1234567+02:00","pizza":7}`)
	codec, err := representation.NewCodec(httpapi.Messages()...)
	require.NoError(t, err)
	trees := map[string]any{} // by the tag
	for _, format := range representation.Formats {
		given := s.want(http.StatusOK, ada, "GET", "/events/7", "", in(format)...)
		assert.Equal(t, format.MediaType(), given.Header().Get("Content-Type"))
		trees[given.tag()], err = codec.Read(format, "Event", given.Body.Bytes())
		require.NoError(t, err)

		put := s.want(http.StatusOK, ada, "PUT", "/events/7", given.Body.String(), in(format, "If-Match", given.tag())...)
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
	t.Parallel()
	ada := uuid.New()
	s := serve(t, menu{7: "Funghi"}, nil)
	body := func(message proto.Message) string {
		data, err := proto.Marshal(message)
		require.NoError(t, err)
		return string(data)
	}
	starts := time.Date(2026, 7, 1, 12, 0, 0, 123456000, time.UTC)
	created := s.want(http.StatusCreated, person(ada), "POST", "/events", body(&eventsv1.NewEvent{
		Title: new("Picnic"), Place: new("the park"), StartsAt: timestamppb.New(starts), Pizza: new(int64(7)),
	}), in(representation.Protobuf)...)
	var made, changed eventsv1.Event
	require.NoError(t, proto.Unmarshal(created.Body.Bytes(), &made))
	assert.Equal(t, starts, made.GetStartsAt().AsTime())
	assert.Equal(t, ada.String(), made.GetHost())
	assert.EqualValues(t, 7, made.GetPizza())

	patched := s.want(http.StatusOK, person(ada), "PATCH", created.Header().Get("Location")[len("/api/v1"):], body(&eventsv1.EventPatch{
		Title: new("Dinner"), UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"title", "pizza"}},
	}), in(representation.Protobuf)...)
	require.NoError(t, proto.Unmarshal(patched.Body.Bytes(), &changed))
	assert.Equal(t, "Dinner", changed.GetTitle())
	assert.Nil(t, changed.Pizza, "in the mask and not set: null")
	assert.Equal(t, "the park", changed.GetPlace(), "not in the mask")

	problem := s.want(http.StatusNotFound, anyone, "GET", "/events/404", "", in(representation.Protobuf)...)
	assert.Equal(t, "application/x-protobuf", problem.Header().Get("Content-Type"))
}
