package event

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/identity"
)

// mostAsked is the people whose likes are counted.
const mostAsked = 200

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
	liked, err := s.likes.Of(ctx, people)
	if err != nil {
		return nil, err
	}
	likes := tally(liked)
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

// tally counts by pizza how many of the people like it.
func tally(liked map[uuid.UUID][]int64) map[int64]int64 {
	likes := map[int64]int64{}
	for _, pizzas := range liked {
		for _, pizza := range pizzas {
			likes[pizza]++
		}
	}
	return likes
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
