package card_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/loyalty/internal/card"
)

// kept is a store with one card.
type kept card.Card

func (k *kept) Get(context.Context, uuid.UUID) (card.Card, error) { return card.Card(*k), nil }

func (k *kept) Put(_ context.Context, _ uuid.UUID, edit func(*card.Card) (card.Card, error)) (card.Card, bool, error) {
	c, err := edit((*card.Card)(k))
	if err == nil {
		*k = kept(c)
	}
	return c, false, err
}

func TestAPersonReadsTheirCardAndStaffWriteIt(t *testing.T) {
	ann, bob := uuid.New(), uuid.New()
	cards := card.NewService(&kept{User: ann, Points: 3, Version: 7})
	for _, c := range []struct {
		who         string
		caller      identity.Caller
		read, write bool
	}{
		{"anyone", identity.Caller{}, false, false},
		{"she", identity.Caller{User: ann}, true, false},
		{"somebody else", identity.Caller{User: bob}, false, false},
		{"staff", identity.Caller{User: bob, Staff: true}, true, true},
		{"a service", identity.Caller{Client: "shop"}, true, true},
	} {
		t.Run(c.who, func(t *testing.T) {
			_, err := cards.Get(t.Context(), c.caller, ann)
			assert.Equal(t, c.read, err == nil, "%v", err)
			_, _, err = cards.Put(t.Context(), c.caller, ann, 4, version.Condition{})
			assert.Equal(t, c.write, err == nil, "%v", err)
		})
	}
	_, _, err := cards.Put(t.Context(), identity.Caller{Client: "shop"}, ann, 5, version.Condition{Match: []int64{6}})
	assert.True(t, fault.Is(err, fault.PreconditionFailed), "%v", err)
}
