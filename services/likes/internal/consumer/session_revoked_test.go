package consumer_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	sessionv1 "github.com/tizza/tizza/proto/session/v1"
	"github.com/tizza/tizza/services/likes/internal/consumer"
)

type sessions map[uuid.UUID]time.Time

func (s sessions) Revoke(session uuid.UUID, expires time.Time) { s[session] = expires }

func TestARevokedSessionEndsHere(t *testing.T) {
	t.Parallel()
	ended, session, expires := sessions{}, uuid.New(), time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	for _, format := range []message.Format{message.JSON, message.Protobuf} {
		contentType, body, err := message.Encode(format, &sessionv1.Revoked{SessionUuid: session.String(), ExpiresAt: timestamppb.New(expires)})
		require.NoError(t, err)
		clear(ended)
		require.NoError(t, consumer.SessionRevoked(ended).Handle(t.Context(), broker.Delivery{Message: message.Message{ContentType: contentType, Body: body}}))
		assert.Equal(t, sessions{session: expires}, ended)
	}
	for name, body := range map[string]string{"no JSON": "{", "no session": "{}", "no time": `{"session_uuid":"` + session.String() + `"}`} {
		assert.Error(t, consumer.SessionRevoked(ended).Handle(t.Context(), broker.Delivery{Message: message.Message{Body: []byte(body)}}), name)
	}
}
