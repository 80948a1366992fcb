package system

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newName() string { return "ann-" + uuid.NewString()[:8] }

func TestAPersonSignsUpLikesAttendsAndIsForgottenEverywhere(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ann, err := tizza.SignUp(ctx, newName())
	require.NoError(t, err)
	bob, err := tizza.SignUp(ctx, newName())
	require.NoError(t, err)
	pizza, err := ann.UploadPizza(ctx, "Margherita")
	require.NoError(t, err)
	bobs, err := bob.UploadPizza(ctx, "Marinara")
	require.NoError(t, err)
	bobsOther, err := bob.UploadPizza(ctx, "Quattro stagioni")
	require.NoError(t, err)
	// Not her own pizza: that goes with her, and takes its likes along, so which of two messages deletes it is open.
	require.NoError(t, ann.Like(ctx, bobs))
	require.NoError(t, ann.Like(ctx, bobsOther))
	require.NoError(t, bob.Like(ctx, bobs))
	event, err := ann.Host(ctx, "Pizza night", pizza)
	require.NoError(t, err)
	require.NoError(t, ann.Attend(ctx, event))

	address, err := ann.BeForgotten(ctx)
	require.NoError(t, err)
	erasure, err := tizza.Complete(ctx, address)
	require.NoError(t, err)

	assert.Equal(t, map[string]int{"users": 1, "sessions": 1}, erasure.Deleted("auth"))
	assert.Equal(t, map[string]int{"pizzas": 1}, erasure.Deleted("pizza"))
	assert.Equal(t, map[string]int{"likes": 2}, erasure.Deleted("likes"))
	assert.Equal(t, map[string]int{"events": 1, "attendances": 1}, erasure.Deleted("events"))
	for _, holder := range erasure.Holders {
		assert.Equal(t, "erased", holder.State, holder.Service)
		assert.Zero(t, holder.Left, holder.Service)
	}
	assertForgotten(t, ann.ID)

	again, err := tizza.Call(ctx, tizza.Operator(), http.MethodDelete, tizza.Auth("/users/"+ann.ID), nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusAccepted, again.Status, "the same again is the same erasure")
	assert.Contains(t, again.Header.Get("Location"), erasure.ID)

	assert.Error(t, ann.Like(ctx, bobs), "nothing is written for the erased, whose cookie still opens")
	likes, err := tizza.Call(ctx, tizza.Operator(), http.MethodGet, tizza.Likes("/likes?user="+bob.ID), nil)
	require.NoError(t, err)
	assert.Contains(t, string(likes.Body), `"count":1`, "Bob keeps his")
}

func TestNobodyWritesForAPersonWhoIsGone(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ann, err := tizza.SignUp(ctx, newName())
	require.NoError(t, err)
	bob, err := tizza.SignUp(ctx, newName())
	require.NoError(t, err)
	pizza, err := bob.UploadPizza(ctx, "Marinara")
	require.NoError(t, err)
	address, err := ann.BeForgotten(ctx)
	require.NoError(t, err)
	_, err = tizza.Complete(ctx, address)
	require.NoError(t, err)

	for url, body := range map[string]map[string]any{
		tizza.Pizza("/pizzas"):  {"title": "Late", "creator": ann.ID},
		tizza.Likes("/likes"):   {"pizza": pizza, "user": ann.ID},
		tizza.Events("/events"): {"title": "Late", "place": "Nowhere", "starts_at": "2030-01-01T00:00:00Z", "host": ann.ID},
	} {
		answer, err := tizza.Call(ctx, tizza.Operator(), http.MethodPost, url, body)
		require.NoError(t, err)
		assert.Equal(t, http.StatusGone, answer.Status, "%s: %s", url, answer.Body)
	}
}
