package pizza_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tizza/tizza/services/events/internal/pizza/gen"
)

// kitchen is the pizza service in memory, as much of it as events asks for and the suite prepares.
type kitchen struct {
	mu       sync.Mutex
	pizzas   map[int64]gen.Pizza
	versions map[int64]int
	last     int64
}

func newKitchen() http.Handler {
	k := &kitchen{pizzas: map[int64]gen.Pizza{}, versions: map[int64]int{}}
	mux := http.NewServeMux()
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /api/v1/pizzas": k.list, "POST /api/v1/pizzas": k.create,
		"GET /api/v1/pizzas/{id}": k.read, "PATCH /api/v1/pizzas/{id}": k.change, "DELETE /api/v1/pizzas/{id}": k.remove,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			k.mu.Lock()
			defer k.mu.Unlock()
			handle(w, r)
		})
	}
	return mux
}

func (k *kitchen) list(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.FormValue("limit"))
	if err != nil {
		limit = 5
	}
	found := []gen.Pizza{}
	for text := range strings.SplitSeq(r.FormValue("ids"), ",") {
		id, _ := strconv.ParseInt(text, 10, 64) // the document is held against it
		if p, exists := k.pizzas[id]; exists && !slices.ContainsFunc(found, func(p gen.Pizza) bool { return p.Id == id }) {
			found = append(found, p)
		}
	}
	page := gen.PizzaList{Count: int64(len(found)), Results: found[:min(limit, 100, len(found))]}
	answer(w, r, http.StatusOK, fmt.Sprintf(`"%x"`, fmt.Sprint(page)), page)
}

func (k *kitchen) create(w http.ResponseWriter, r *http.Request) {
	var draft gen.NewPizza
	_ = json.NewDecoder(r.Body).Decode(&draft)
	k.last++
	p := gen.Pizza{Id: k.last, Title: draft.Title, Description: "", CreatedAt: time.Now().UTC(), UpdatedAt: time.Now().UTC()}
	if draft.Description != nil {
		p.Description = *draft.Description
	}
	if draft.ImageUrl != nil {
		p.ImageUrl = *draft.ImageUrl
	}
	if draft.Creator != nil {
		p.Creator = draft.Creator
	}
	k.pizzas[p.Id] = p
	w.Header().Set("Location", fmt.Sprintf("/api/v1/pizzas/%d", p.Id))
	w.Header().Set("Content-Location", fmt.Sprintf("/api/v1/pizzas/%d", p.Id))
	answer(w, r, http.StatusCreated, k.tag(p.Id), p)
}

func (k *kitchen) read(w http.ResponseWriter, r *http.Request) {
	if p, exists := k.find(w, r); exists {
		answer(w, r, http.StatusOK, k.tag(p.Id), p)
	}
}

func (k *kitchen) change(w http.ResponseWriter, r *http.Request) {
	p, exists := k.find(w, r)
	if !exists {
		return
	}
	var patch gen.PizzaPatch
	_ = json.NewDecoder(r.Body).Decode(&patch)
	p.Title, p.UpdatedAt = *patch.Title, time.Now().UTC()
	k.pizzas[p.Id] = p
	k.versions[p.Id]++
	w.Header().Set("Content-Location", r.URL.Path)
	answer(w, r, http.StatusOK, k.tag(p.Id), p)
}

func (k *kitchen) remove(w http.ResponseWriter, r *http.Request) {
	if p, exists := k.find(w, r); exists {
		delete(k.pizzas, p.Id)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (k *kitchen) find(w http.ResponseWriter, r *http.Request) (gen.Pizza, bool) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	p, exists := k.pizzas[id]
	if !exists {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(gen.Problem{
			Type: "urn:problem:not-found", Title: "Not Found", Status: http.StatusNotFound, Detail: "Not found.",
			Instance: r.URL.Path, TraceId: "4bf92f3577b34da6a3ce929d0e0e4736",
		})
	}
	return p, exists
}

func (k *kitchen) tag(id int64) string { return fmt.Sprintf(`"%d.%d"`, id, k.versions[id]) }

// answer says that nothing has changed to who asks for that.
func answer(w http.ResponseWriter, r *http.Request, status int, tag string, body any) {
	w.Header().Set("ETag", tag)
	w.Header().Set("Vary", "Accept, Accept-Encoding")
	w.Header().Set("Cache-Control", "no-cache")
	if r.Method == http.MethodGet && r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
