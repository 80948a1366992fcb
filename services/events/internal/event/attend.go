package event

import (
	"context"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
)

// Attend says whether a person comes.
func (s *Service) Attend(ctx context.Context, caller identity.Caller, event int64, user uuid.UUID, status Status, condition version.Condition) (Attendance, bool, error) {
	if err := answerFor(caller, user); err != nil {
		return Attendance{}, false, err
	}
	return s.store.Attend(ctx, event, user, status, condition)
}

// Attendance reads whether a person comes.
func (s *Service) Attendance(ctx context.Context, caller identity.Caller, event int64, user uuid.UUID) (Attendance, error) {
	if err := s.mayRead(ctx, caller, event, user); err != nil {
		return Attendance{}, err
	}
	return s.store.Attendance(ctx, event, user)
}

// AttendanceVersion is that of what the person said.
func (s *Service) AttendanceVersion(ctx context.Context, caller identity.Caller, event int64, user uuid.UUID) (int64, error) {
	if err := s.mayRead(ctx, caller, event, user); err != nil {
		return 0, err
	}
	return s.store.AttendanceVersion(ctx, event, user)
}

func (s *Service) mayRead(ctx context.Context, caller identity.Caller, event int64, user uuid.UUID) error {
	e, err := s.store.Get(ctx, event)
	if err != nil {
		return err
	}
	return readAnswer(caller, e, user)
}

// Attendances reads a window of the event's attendances that the caller may see.
func (s *Service) Attendances(ctx context.Context, caller identity.Caller, event int64, window page.Window) (page.Result[Attendance], error) {
	e, err := s.store.Get(ctx, event)
	if err != nil {
		return page.Result[Attendance]{}, err
	}
	user, err := whose(caller, e)
	if err != nil {
		return page.Result[Attendance]{}, err
	}
	return s.store.Attendances(ctx, event, user, window)
}

// Unattend takes back what a person said.
func (s *Service) Unattend(ctx context.Context, caller identity.Caller, event int64, user uuid.UUID, condition version.Condition) error {
	if err := answerFor(caller, user); err != nil {
		return err
	}
	return s.store.Unattend(ctx, event, user, condition)
}
