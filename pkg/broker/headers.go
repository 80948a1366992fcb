package broker

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel"
)

// Headers that this package puts beside a message's own.
const (
	positionHeader = "x-position"      // place in its batch: a return is matched by it
	attemptHeader  = "x-attempt"       // failed attempts so far
	waitsHeader    = "x-waits"         // times that it has waited for something else
	replaysHeader  = "x-replays"       // times that an operator has sent it back from the dead letters
	reasonHeader   = "x-reason"        // why the last one failed
	firstHeader    = "x-first-failure" // when the first one failed, RFC 3339
	lastHeader     = "x-last-failure"  // when the last one failed, RFC 3339
	sourceHeader   = "x-source-queue"  // the queue it failed in
	exchangeHeader = "x-exchange"      // the exchange it was first published on
	keyHeader      = "x-key"           // the key it was first published with
)

// tally reads a number that we have counted; somebody else may have written it.
func tally(header string) int {
	n, _ := strconv.Atoi(header)
	return min(max(n, 0), 1_000_000)
}

// ownHeaders and those of the trace stay with a message whose headers are too many.
var ownHeaders = []string{
	attemptHeader, waitsHeader, replaysHeader, reasonHeader, firstHeader, lastHeader, sourceHeader, exchangeHeader, keyHeader, lookHeader,
}

// fit takes out of a copy's headers those that are not ours if with them it might not fit into one frame, as AMQP demands
// (131,072 bytes, RabbitMQ's default): such a message could go nowhere, and would cut the connection at every attempt.
func fit[V any](headers map[string]V) {
	const most, mostOfOne = 96 << 10, 4 << 10
	size := 0
	for name, value := range headers {
		size += len(name) + len(fmt.Sprint(value)) + 8
	}
	if size <= most {
		return
	}
	stay := append(otel.GetTextMapPropagator().Fields(), ownHeaders...)
	maps.DeleteFunc(headers, func(name string, value V) bool {
		return !slices.Contains(stay, name) || len(fmt.Sprint(value)) > mostOfOne
	})
}

// clip keeps a header small.
func clip(reason string) string {
	const most = 500
	if len(reason) > most {
		return strings.ToValidUTF8(reason[:most], "")
	}
	return reason
}
