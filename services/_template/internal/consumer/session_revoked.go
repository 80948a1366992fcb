package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	sessionv1 "github.com/tizza/tizza/proto/session/v1"
)

// Sessions are those whose cookies this process opens; see identity.Authenticator.
type Sessions interface {
	Revoke(session uuid.UUID, expires time.Time)
}

// SessionRevoked ends the sessions of those who log out, change their password or go: every replica hears it.
func SessionRevoked(sessions Sessions) broker.Broadcast {
	return broker.Broadcast{
		Exchange: "sessions",
		Reads:    []string{"session.revoked.1"},
		Handle: func(_ context.Context, d broker.Delivery) error {
			var body sessionv1.Revoked
			if err := message.Decode(d.ContentType, d.Body, &body); err != nil {
				return err
			}
			session, err := uuid.Parse(body.GetSessionUuid())
			if err != nil {
				return fmt.Errorf("session_uuid: %w", err)
			}
			if err := body.GetExpiresAt().CheckValid(); err != nil {
				return fmt.Errorf("expires_at: %w", err)
			}
			sessions.Revoke(session, body.GetExpiresAt().AsTime())
			return nil
		},
	}
}
