package event

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/tizza/tizza/pkg/identity"
)

const (
	mostAsked = 200 // people whose likes are counted
	fanOut    = 8   // calls to likes at once, for one request
)

// Suggest returns the pizzas that those who come like most: by likes, of equally liked ones the lower id first. Pizzas
// that are gone are left out, and the next ones move up.
func (s *Service) Suggest(ctx context.Context, caller identity.Caller, event int64, limit int) ([]Suggestion, error) {
	if err := identity.Require(caller); err != nil {
		return nil, err
	}
	people, err := s.store.Coming(ctx, event, mostAsked)
	if err != nil || limit == 0 {
		return nil, err
	}
	likes, err := s.tally(ctx, people)
	if err != nil {
		return nil, err
	}
	var top []Suggestion
	for ids := range slices.Chunk(ranked(likes), limit) {
		pizzas, err := s.pizzas.Find(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if p, exists := pizzas[id]; exists && len(top) < limit {
				top = append(top, Suggestion{Pizza: p, Likes: likes[id]})
			}
		}
		if len(top) == limit {
			break
		}
	}
	return top, nil
}

// tally asks for everybody's likes, and counts them by pizza.
func (s *Service) tally(ctx context.Context, people []uuid.UUID) (map[int64]int64, error) {
	liked := make([][]int64, len(people))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fanOut)
	for i, person := range people {
		group.Go(func() (err error) {
			liked[i], err = s.likes.Of(ctx, person)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	likes := map[int64]int64{}
	for _, pizzas := range liked {
		for _, pizza := range pizzas {
			likes[pizza]++
		}
	}
	return likes, nil
}

// ranked is the pizzas, the most liked first.
func ranked(likes map[int64]int64) []int64 {
	pizzas := make([]int64, 0, len(likes))
	for pizza := range likes {
		pizzas = append(pizzas, pizza)
	}
	slices.SortFunc(pizzas, func(a, b int64) int {
		return cmp.Or(cmp.Compare(likes[b], likes[a]), cmp.Compare(a, b))
	})
	return pizzas
}
