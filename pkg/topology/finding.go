package topology

import "fmt"

// Finding is a difference between what is declared and what stands, or something that an operator should know.
type Finding struct {
	Problem bool   `json:"problem"` // false: worth a look, and nothing is wrong with the topology
	Object  string `json:"object"`
	What    string `json:"what"`
	Do      string `json:"do"`
}

func (f Finding) String() string {
	mark := "note"
	if f.Problem {
		mark = "problem"
	}
	return fmt.Sprintf("%s: %s %s: %s", mark, f.Object, f.What, f.Do)
}

// Problems counts what is wrong.
func Problems(findings []Finding) int {
	n := 0
	for _, f := range findings {
		if f.Problem {
			n++
		}
	}
	return n
}

// messages counts them in words.
func messages(n int) string {
	if n == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}
