package likes_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tizza/tizza/services/events/internal/likes/gen"
)

// ledger is the likes service in memory, as much of it as events asks for and the suite prepares. It takes the word of
// whoever likes a pizza that there is one.
type ledger struct {
	mu    sync.Mutex
	likes []gen.Like
	last  int64
}

func newLedger() http.Handler {
	l := &ledger{}
	mux := http.NewServeMux()
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /api/v1/likes": l.list, "POST /api/v1/likes": l.create, "DELETE /api/v1/likes/{id}": l.remove,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			l.mu.Lock()
			defer l.mu.Unlock()
			handle(w, r)
		})
	}
	return mux
}

func (l *ledger) list(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.FormValue("limit"))
	if err != nil {
		limit = 5
	}
	found := []gen.Like{}
	for _, like := range l.likes {
		if user := r.FormValue("user"); user == "" || user == like.User.String() {
			found = append(found, like)
		}
	}
	page := gen.LikeList{Count: int64(len(found)), Results: found[:min(limit, 100, len(found))]}
	if len(page.Results) < len(found) {
		next := fmt.Sprintf("http://%s%s?offset=%d", r.Host, r.URL.Path, len(page.Results))
		page.Next = &next
	}
	answer(w, r, http.StatusOK, fmt.Sprintf(`"%x"`, fmt.Sprint(found)), page)
}

func (l *ledger) create(w http.ResponseWriter, r *http.Request) {
	var draft gen.NewLike
	_ = json.NewDecoder(r.Body).Decode(&draft) // the document is held against it
	l.last++
	like := gen.Like{Id: l.last, User: *draft.User, Pizza: draft.Pizza, CreatedAt: time.Now().UTC()}
	l.likes = append(l.likes, like)
	w.Header().Set("Location", fmt.Sprintf("/api/v1/likes/%d", like.Id))
	w.Header().Set("Content-Location", fmt.Sprintf("/api/v1/likes/%d", like.Id))
	answer(w, r, http.StatusCreated, fmt.Sprintf(`"%d"`, like.Id), like)
}

func (l *ledger) remove(w http.ResponseWriter, r *http.Request) {
	for i, like := range l.likes {
		if strconv.FormatInt(like.Id, 10) == r.PathValue("id") {
			l.likes = append(l.likes[:i:i], l.likes[i+1:]...)
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusNotFound)
	_ = json.NewEncoder(w).Encode(gen.Problem{
		Type: "urn:problem:not-found", Title: "Not Found", Status: http.StatusNotFound, Detail: "Not found.",
		Instance: r.URL.Path, TraceId: "4bf92f3577b34da6a3ce929d0e0e4736",
	})
}

// answer says that nothing has changed to who asks for that.
func answer(w http.ResponseWriter, r *http.Request, status int, tag string, body any) {
	w.Header().Set("ETag", tag)
	w.Header().Set("Vary", "Accept, Accept-Encoding")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodGet && r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
