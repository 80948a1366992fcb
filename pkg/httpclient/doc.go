// Package httpclient is how services call each other over HTTP.
//
// A request goes to http://<service>/…: the host is the service's name. What
// becomes of it, in order:
//
//	caller ─▶ ETag cache ─▶ ┌ where is it? ─▶ which instance? ─▶ limits ─▶ circuit ┐ ─▶ answer, bounded
//	          If-None-Match │ Resolver        of two drawn,      host,     per      │    304: the body kept
//	                        │                 the less busy      service,  instance │
//	                        │                                    total              │
//	                        └───────────── again, if safe: 3 attempts at most ──────┘
//
// The resolver is asked at every attempt, so a moved service is followed at once.
// Requests under way finish where they started; what is known of an instance that
// stays is kept.
//
// Of two instances drawn at random the one with the smaller (requests under way + 1)
// × recent latency is asked. Slowness counts at once and is forgotten over seconds; a
// failure counts as slow, a new instance as the mean.
//
// For limits see Config. A place is held until the body is read or closed, at the
// latest until the deadline. Who finds no place waits 100 ms at most, and holds
// nothing meanwhile that calls to other services need.
//
// A circuit opens when half of the attempts of ten seconds failed, and at least ten
// did: no connection, no answer in time, 500, 502, 503, 504, not HTTP, too large.
// Answers 4xx do not count, nor what the caller gave up or left no time for. After a
// good second two attempts show whether it closes.
//
// Again goes a GET, HEAD or OPTIONS after a lost connection, a 502, 503 or 504, and
// any request of which not a byte was sent and whose body can be had again: after a
// random pause up to a bound that doubles, to another instance where there is one.
// Retry-After is obeyed (429 too), or the answer is the caller's. Retries are at most
// CLIENT_RETRY_BUDGET × calls + 3 per service in any ten seconds, and never pass the
// deadline; what was never sent goes to another instance for free. With several
// instances an attempt gets half of the time that is left. (net/http itself asks again
// when an idle connection turns out to be closed.)
//
// Every attempt carries the service's token, the request id, the trace, and in
// TimeoutHeader for how long somebody still waits. The token goes to targets of the
// resolver only: redirects to another host are not followed.
//
// The cache is private to the client and its token, and asks the callee every time.
// It keeps 16 MiB of bodies of at most 1 MiB; the least recently used go first.
//
// Whatever a callee does, a call ends at its deadline, takes no more memory than
// Options.MaxBody and 256 KiB of headers, and its error tells Fault which of 502, 503
// and 504 our own caller gets. The metrics say why: http_client_requests_total.
package httpclient
