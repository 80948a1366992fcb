package event

import (
	"context"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/identity"
)

// Attend says whether a person comes.
func (s *Service) Attend(ctx context.Context, caller identity.Caller, event int64, user uuid.UUID, status Status) (Attendance, bool, error) {
	if err := answerFor(caller, user); err != nil {
		return Attendance{}, false, err
	}
	return s.store.Attend(ctx, event, user, status)
}

// Attendance reads whether a person comes.
func (s *Service) Attendance(ctx context.Context, caller identity.Caller, event int64, user uuid.UUID) (Attendance, error) {
	e, err := s.store.Get(ctx, event)
	if err != nil {
		return Attendance{}, err
	}
	if err := readAnswer(caller, e, user); err != nil {
		return Attendance{}, err
	}
	return s.store.Attendance(ctx, event, user)
}

// Attendances reads a window of the event's attendances that the caller may see, and their number in all.
func (s *Service) Attendances(ctx context.Context, caller identity.Caller, event int64, limit, offset int) ([]Attendance, int64, error) {
	e, err := s.store.Get(ctx, event)
	if err != nil {
		return nil, 0, err
	}
	user, err := whose(caller, e)
	if err != nil {
		return nil, 0, err
	}
	return s.store.Attendances(ctx, event, user, limit, offset)
}

// Unattend takes back what a person said.
func (s *Service) Unattend(ctx context.Context, caller identity.Caller, event int64, user uuid.UUID) error {
	if err := answerFor(caller, user); err != nil {
		return err
	}
	return s.store.Unattend(ctx, event, user)
}
