package deadletter

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tizza/tizza/pkg/broker"
)

// Selection says which letters are meant.
type Selection struct {
	IDs    []string // of the messages
	Reason string   // a part of the reason, in upper or lower case
	All    bool
}

// ErrSelection says that a selection selects in no way, or in several.
var ErrSelection = errors.New("say which dead letters: their ids, or a part of their reason, or all; one of the three")

// Validate returns ErrSelection unless there is exactly one way of selecting.
func (s Selection) Validate() error {
	ways := 0
	for _, used := range []bool{len(s.IDs) > 0, s.Reason != "", s.All} {
		if used {
			ways++
		}
	}
	if ways != 1 {
		return ErrSelection
	}
	return nil
}

// choice is a selection at work.
type choice struct {
	reason string
	found  map[string]bool // by id; nil: any
	order  []string
}

func (s Selection) choice() *choice {
	c := &choice{reason: strings.ToLower(s.Reason), order: s.IDs}
	if len(s.IDs) > 0 {
		c.found = make(map[string]bool, len(s.IDs))
		for _, id := range s.IDs {
			c.found[id] = false
		}
	}
	return c
}

func (c *choice) includes(l *broker.Letter) bool {
	if !strings.Contains(strings.ToLower(l.Reason), c.reason) {
		return false
	}
	if c.found == nil {
		return true
	}
	_, chosen := c.found[l.ID]
	if chosen {
		c.found[l.ID] = true
	}
	return chosen
}

const mostNamed = 10

// unknown is an error that names the ids of which there was no letter.
func (c *choice) unknown() error {
	var ids []string
	for _, id := range c.order {
		if !c.found[id] {
			ids = append(ids, fmt.Sprintf("%q", id))
			c.found[id] = true // named once
		}
	}
	switch {
	case len(ids) == 0:
		return nil
	case len(ids) > mostNamed:
		return fmt.Errorf("there is no dead letter %s and %d more", strings.Join(ids[:mostNamed], ", "), len(ids)-mostNamed)
	}
	return fmt.Errorf("there is no dead letter %s", strings.Join(ids, ", "))
}
