package conformance

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
)

// Ledger counts the answers of a service by operation and status.
type Ledger struct {
	service *Service
	mu      sync.Mutex
	seen    map[string]map[int]int
}

func newLedger(s *Service) *Ledger { return &Ledger{service: s, seen: map[string]map[int]int{}} }

func (l *Ledger) note(o *Operation, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[o.OperationID] == nil {
		l.seen[o.OperationID] = map[int]int{}
	}
	l.seen[o.OperationID][status]++
}

// Seen is how often the operation has answered with that status.
func (l *Ledger) Seen(operation string, status int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[operation][status]
}

// Total is how many answers there were, and how many different statuses of operations.
func (l *Ledger) Total() (answers, kinds int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, statuses := range l.seen {
		for _, n := range statuses {
			answers += n
			kinds++
		}
	}
	return answers, kinds
}

// Unseen are the documented statuses that never came, each as "getPizza 500".
func (l *Ledger) Unseen() []string {
	var unseen []string
	for _, operation := range l.service.Operations() {
		for _, text := range operation.Statuses() {
			if status, err := strconv.Atoi(text); err == nil && l.Seen(operation.OperationID, status) == 0 {
				unseen = append(unseen, fmt.Sprintf("%s %d", operation.OperationID, status))
			}
		}
	}
	slices.Sort(unseen)
	return unseen
}
