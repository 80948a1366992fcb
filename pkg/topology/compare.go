package topology

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// compare says in what a queue is not as its declaration.
func compare(arguments map[string]any, found seenQueue) []string {
	var differences []string
	if wanted, is := kindOf(arguments), kindOf(found.Arguments); wanted != is {
		differences = append(differences, fmt.Sprintf("it is a %s queue, not a %s one", is, wanted))
	}
	if !found.Durable || found.AutoDelete || found.Exclusive {
		differences = append(differences, "it does not last")
	}
	wanted := map[string]any{}
	if raw, err := json.Marshal(arguments); err == nil { // as the broker's came: numbers are float64
		_ = json.Unmarshal(raw, &wanted)
	}
	both := maps.Clone(wanted)
	maps.Copy(both, found.Arguments)
	for _, name := range slices.Sorted(maps.Keys(both)) {
		want, wants := wanted[name]
		has, exists := found.Arguments[name]
		switch {
		case name == "x-queue-type":
		case !exists:
			differences = append(differences, fmt.Sprintf("%s is not set, and should be %v", name, want))
		case !wants:
			differences = append(differences, fmt.Sprintf("%s is %v, and should not be set", name, has))
		case !reflect.DeepEqual(want, has):
			differences = append(differences, fmt.Sprintf("%s is %v, and should be %v", name, has, want))
		}
	}
	return differences
}
