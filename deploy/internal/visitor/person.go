package visitor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Person is somebody who has signed up and logged in.
type Person struct {
	ID     string `json:"id"`
	system *System
	cookie *http.Cookie
}

func (p *Person) sign(r *http.Request) { r.AddCookie(p.cookie) }

// SignUp makes an account of that name and logs in.
func (s *System) SignUp(ctx context.Context, name string) (*Person, error) {
	p := &Person{system: s}
	const password = "correct horse battery staple"
	account := map[string]string{"username": name, "email": name + "@example.com", "password": password}
	if _, err := s.do(ctx, Anyone{}, http.MethodPost, s.Auth("/users"), account, http.StatusCreated, p); err != nil {
		return nil, err
	}
	login := map[string]string{"username": name, "password": password}
	answer, err := s.do(ctx, Anyone{}, http.MethodPost, s.Auth("/sessions"), login, http.StatusCreated, nil)
	if err != nil {
		return nil, err
	}
	cookies := (&http.Response{Header: answer.Header}).Cookies()
	if len(cookies) == 0 {
		return nil, errors.New("logged in without a cookie")
	}
	p.cookie = cookies[0]
	return p, nil
}

type created struct {
	ID int64 `json:"id"`
}

// UploadPizza returns the new pizza's id.
func (p *Person) UploadPizza(ctx context.Context, title string) (int64, error) {
	var made created
	_, err := p.system.do(ctx, p, http.MethodPost, p.system.Pizza("/pizzas"), map[string]string{"title": title}, http.StatusCreated, &made)
	return made.ID, err
}

// HousePizza uploads a pizza that is nobody's and returns its id.
func (s *System) HousePizza(ctx context.Context, title string) (int64, error) {
	var made created
	_, err := s.do(ctx, s.Operator(), http.MethodPost, s.Pizza("/pizzas"), map[string]string{"title": title}, http.StatusCreated, &made)
	return made.ID, err
}

// Like likes a pizza.
func (p *Person) Like(ctx context.Context, pizza int64) error {
	_, err := p.system.do(ctx, p, http.MethodPost, p.system.Likes("/likes"), map[string]int64{"pizza": pizza}, http.StatusCreated, nil)
	return err
}

// Host makes an event and returns its id.
func (p *Person) Host(ctx context.Context, title string, pizza int64) (int64, error) {
	var made created
	event := map[string]any{"title": title, "place": "Town hall", "starts_at": time.Now().Add(24 * time.Hour).UTC(), "pizza": pizza}
	_, err := p.system.do(ctx, p, http.MethodPost, p.system.Events("/events"), event, http.StatusCreated, &made)
	return made.ID, err
}

// Attend says that the person goes to an event.
func (p *Person) Attend(ctx context.Context, event int64) error {
	url := p.system.Events(fmt.Sprintf("/events/%d/attendances/%s", event, p.ID))
	_, err := p.system.do(ctx, p, http.MethodPut, url, map[string]string{"status": "going"}, http.StatusCreated, nil)
	return err
}

// BeForgotten deletes the person and returns the erasure's address.
func (p *Person) BeForgotten(ctx context.Context) (string, error) {
	answer, err := p.system.do(ctx, p, http.MethodDelete, p.system.Auth("/users/"+p.ID), nil, http.StatusAccepted, nil)
	if err != nil {
		return "", err
	}
	return p.system.auth + answer.Header.Get("Location"), nil
}

// Erasure is how far the forgetting of a person has come.
type Erasure struct {
	ID          string     `json:"id"`
	State       string     `json:"state"`
	RequestedAt time.Time  `json:"requested_at"`
	CompletedAt *time.Time `json:"completed_at"`
	Holders     []Holder   `json:"holders"`
}

// Holder is one service that held something of the person.
type Holder struct {
	Service string         `json:"service"`
	State   string         `json:"state"`
	Deleted map[string]int `json:"deleted"`
	Left    int            `json:"left"`
}

// Deleted returns the rows that a service deleted, by table.
func (e Erasure) Deleted(service string) map[string]int {
	for _, h := range e.Holders {
		if h.Service == service {
			return h.Deleted
		}
	}
	return nil
}

// Complete waits until the erasure at that address is complete, and returns it. When ctx ends first, its error says
// who is waited for.
func (s *System) Complete(ctx context.Context, url string) (Erasure, error) {
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	var e Erasure
	for {
		_, err := s.do(ctx, Anyone{}, http.MethodGet, url, nil, http.StatusOK, &e)
		if err == nil && e.State == "complete" {
			return e, nil
		}
		select {
		case <-ctx.Done():
			return e, fmt.Errorf("erasure %s is %s, holders %+v: %w", url, e.State, e.Holders, errors.Join(ctx.Err(), err))
		case <-look.C:
		}
	}
}
