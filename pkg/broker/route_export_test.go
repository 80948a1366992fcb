package broker

import "time"

// Hurry makes the route take seconds for what takes minutes, and wait for who is missing for so long.
func (r *Route) Hurry(lost time.Duration) {
	r.pace.usable, r.pace.lost = 3*time.Second, lost
	r.pace.settle, r.pace.again, r.pace.mostAgain = time.Second, time.Second, 2*time.Second
}

// Standings are the brokers that the process uses, by name, and what each is to it.
func (r *Route) Standings() map[string]string {
	states, _ := r.standings()
	found := map[string]string{}
	for s := range states {
		if s[1] != "publishing" {
			found[s[0]] = s[1]
		}
	}
	return found
}

// Publishing is the name of the broker that messages go to, empty if that is not known.
func (r *Route) Publishing() string {
	if s := r.destination(); s != nil {
		return s.name
	}
	return ""
}

// SendTo has messages go to an open broker, if the process knows no better one.
func (r *Route) SendTo(url string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sites {
		if s.URL == url {
			r.publishing = s
		}
	}
}

// Alarm is what a broker that is full says to publishers.
func (p *Publisher) Alarm(on bool) { p.channelTo(p.route.destination()).alarm.set(on) }

// DeclareSoon is what a consumer does when something is missing.
func (c *Consumer) DeclareSoon() { c.declareSoon() }

// Label is how a broker is named, CountIn reads a header that is a number.
var (
	CountIn = count
	Label   = label
)
