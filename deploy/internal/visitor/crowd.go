package visitor

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// Crowd makes n people, each with a pizza, a like of it, an event around it and an attendance, and returns their ids.
// The operator does it for them, which spares everyone a login.
func (s *System) Crowd(ctx context.Context, n, concurrency int) ([]string, error) {
	ids := make([]string, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for i := range n {
		group.Go(func() (err error) {
			ids[i], err = s.settle(ctx)
			return err
		})
	}
	return ids, group.Wait()
}

func (s *System) settle(ctx context.Context) (string, error) {
	name := "crowd-" + uuid.NewString()
	var person struct {
		ID string `json:"id"`
	}
	account := map[string]string{"username": name, "email": name + "@example.com", "password": "correct horse battery staple"}
	if _, err := s.do(ctx, s.Operator(), http.MethodPost, s.Auth("/users"), account, http.StatusCreated, &person); err != nil {
		return "", err
	}
	var pizza, event created
	for _, step := range []struct {
		url  string
		body func() map[string]any
		out  *created
	}{
		{s.Pizza("/pizzas"), func() map[string]any { return map[string]any{"title": name, "creator": person.ID} }, &pizza},
		{s.Likes("/likes"), func() map[string]any { return map[string]any{"pizza": pizza.ID, "user": person.ID} }, &created{}},
		{s.Events("/events"), func() map[string]any {
			return map[string]any{
				"title": name, "place": "Town hall", "starts_at": time.Now().UTC(), "pizza": pizza.ID, "host": person.ID,
			}
		}, &event},
	} {
		if _, err := s.do(ctx, s.Operator(), http.MethodPost, step.url, step.body(), http.StatusCreated, step.out); err != nil {
			return "", err
		}
	}
	attendance := s.Events(fmt.Sprintf("/events/%d/attendances/%s", event.ID, person.ID))
	_, err := s.do(ctx, s.Operator(), http.MethodPut, attendance, map[string]string{"status": "going"}, http.StatusCreated, nil)
	return person.ID, err
}

// Forget deletes the people and returns the addresses of their erasures, and how many requests did not get their 202
// at the first try. Each is asked for until it is accepted or ctx ends: a service may be down in between.
func (s *System) Forget(ctx context.Context, people []string, concurrency int) (erasures []string, refused int, err error) {
	erasures = make([]string, len(people))
	failures := make([]int, len(people))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for i, person := range people {
		group.Go(func() error {
			for {
				answer, err := s.do(ctx, s.Operator(), http.MethodDelete, s.Auth("/users/"+person), nil, http.StatusAccepted, nil)
				if err == nil {
					erasures[i] = s.auth + answer.Header.Get("Location")
					return nil
				}
				failures[i]++
				select {
				case <-ctx.Done():
					return fmt.Errorf("give up: %w", err)
				case <-time.After(100 * time.Millisecond):
				}
			}
		})
	}
	err = group.Wait()
	for _, n := range failures {
		refused += n
	}
	return erasures, refused, err
}
