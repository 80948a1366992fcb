package system

import (
	"encoding/json"

	"github.com/tizza/tizza/deploy/internal/conformance"
)

// example is a request that ends with the status, whatever the formats and codings; it is made anew for each of them.
// The first one of an operation succeeds.
type example struct {
	operation string
	why       string
	status    int
	request   func(*world) conformance.Request
}

type request = conformance.Request

func number(id string) json.Number { return json.Number(id) }

// examples are of every operation, with each of the documented statuses that depends on what the operation is about. What
// is the same for all of them is in refusals, and in what TestConformance does when something is broken.
var examples = []example{
	{"listUsers", "operators see all", 200, func(w *world) request { return w.by("listUsers").Asking("limit=2", "") }},
	{"listUsers", "people do not", 403, func(w *world) request { return w.by("listUsers").By(w.ann.as) }},
	{"createUser", "anyone signs up", 201, func(w *world) request { return w.by("createUser").By(nil).Saying(account(newName())) }},
	{"createUser", "the name is taken", 409, func(w *world) request { return w.by("createUser").Saying(account(w.ann.name)) }},
	{"getUser", "a person reads themselves", 200, func(w *world) request { return w.by("getUser", "uuid", w.ann.id).By(w.ann.as) }},
	{"getUser", "and nobody else", 403, func(w *world) request { return w.by("getUser", "uuid", w.bob.id).By(w.ann.as) }},
	{"getUser", "who has been erased", 410, func(w *world) request { return w.by("getUser", "uuid", w.gone.id) }},
	{"putUser", "replaces", 200, func(w *world) request {
		return w.by("putUser", "uuid", w.bob.id).Saying(fields{"username": w.bob.name, "email": newName() + "@example.org"})
	}},
	{"putUser", "creates", 201, func(w *world) request { return w.by("putUser", "uuid", nobody()).Saying(account(newName())) }},
	{"putUser", "creates only with a password", 400, func(w *world) request {
		return w.by("putUser", "uuid", nobody()).Saying(fields{"username": newName(), "email": "x@example.org"})
	}},
	{"putUser", "the name is taken", 409, func(w *world) request { return w.by("putUser", "uuid", w.bob.id).Saying(account(w.ann.name)) }},
	{"putUser", "who has been erased", 410, func(w *world) request { return w.by("putUser", "uuid", w.gone.id).Saying(account(newName())) }},
	{"patchUser", "changes", 200, func(w *world) request {
		return w.by("patchUser", "uuid", w.bob.id).By(w.bob.as).Saying(fields{"email": newName() + "@example.org", "password": nil})
	}},
	{"patchUser", "the name is taken", 409, func(w *world) request {
		return w.by("patchUser", "uuid", w.bob.id).Saying(fields{"username": w.ann.name})
	}},
	{"patchUser", "who has been erased", 410, func(w *world) request {
		return w.by("patchUser", "uuid", w.gone.id).Saying(fields{"email": "late@example.org"})
	}},
	{"deleteUser", "forgets", 202, func(w *world) request {
		return w.by("deleteUser", "uuid", w.create("createUser", nil, account(newName())))
	}},
	{"deleteUser", "again", 202, func(w *world) request { return w.by("deleteUser", "uuid", w.gone.id) }},
	{"deleteUserSessions", "logs out", 204, func(w *world) request { return w.by("deleteUserSessions", "uuid", w.eve.id) }},
	{"deleteUserSessions", "who has been erased", 410, func(w *world) request { return w.by("deleteUserSessions", "uuid", w.gone.id) }},
	{"createSession", "logs in", 201, func(w *world) request {
		return w.by("createSession").By(nil).Saying(fields{"username": w.ann.name, "password": everyonesPassword})
	}},
	{"createSession", "a wrong password", 401, func(w *world) request {
		return w.by("createSession").By(nil).Saying(fields{"username": w.ann.name, "password": "incorrect horse"})
	}},
	{"createSession", "an unknown name", 401, func(w *world) request {
		return w.by("createSession").By(nil).Saying(fields{"username": newName(), "password": everyonesPassword})
	}},
	{"getCurrentSession", "a person's", 200, func(w *world) request { return w.by("getCurrentSession").By(w.ann.as) }},
	{"getCurrentSession", "a service has none", 404, func(w *world) request { return w.by("getCurrentSession") }},
	{"deleteCurrentSession", "logs out", 204, func(w *world) request { return w.by("deleteCurrentSession").By(w.logIn(w.eve.name)) }},
	{"deleteCurrentSession", "a service has none", 404, func(w *world) request { return w.by("deleteCurrentSession") }},
	{"listErasures", "operators see all", 200, func(w *world) request { return w.by("listErasures").Asking("limit=2", "") }},
	{"listErasures", "people do not", 403, func(w *world) request { return w.by("listErasures").By(w.ann.as) }},
	{"getErasure", "whoever knows the id", 200, func(w *world) request { return w.by("getErasure", "id", w.erasure).By(nil) }},

	{"listPizzas", "anyone", 200, func(w *world) request {
		return w.by("listPizzas").By(nil).Asking("limit=3&offset=1&q=mar&ids="+w.pizza+","+w.other, "")
	}},
	{"createPizza", "a person's own", 201, func(w *world) request { return w.by("createPizza").By(w.ann.as).Saying(whole["pizza"](w)) }},
	{"createPizza", "for somebody else", 403, func(w *world) request {
		return w.by("createPizza").By(w.ann.as).Saying(fields{"title": "Funghi", "creator": w.bob.id})
	}},
	{"createPizza", "for somebody who has been erased", 410, func(w *world) request {
		return w.by("createPizza").Saying(fields{"title": "Funghi", "creator": w.gone.id})
	}},
	{"getPizza", "anyone", 200, func(w *world) request { return w.by("getPizza", "id", w.pizza).By(nil) }},
	{"putPizza", "creates", 201, func(w *world) request { return w.by("putPizza", "id", unused()).Saying(whole["pizza"](w)) }},
	{"putPizza", "replaces", 200, func(w *world) request {
		return w.by("putPizza", "id", w.other).By(w.bob.as).Saying(whole["pizza"](w))
	}},
	{"putPizza", "somebody else's", 403, func(w *world) request {
		return w.by("putPizza", "id", w.other).By(w.ann.as).Saying(whole["pizza"](w))
	}},
	{"putPizza", "for somebody who has been erased", 410, func(w *world) request {
		return w.by("putPizza", "id", w.other).Saying(fields{"title": "Funghi", "creator": w.gone.id})
	}},
	{"patchPizza", "changes", 200, func(w *world) request {
		return w.by("patchPizza", "id", w.other).By(w.bob.as).Saying(fields{"title": newName(), "image_url": nil})
	}},
	{"patchPizza", "says nothing", 200, func(w *world) request { return w.by("patchPizza", "id", w.other).Saying(fields{}) }},
	{"patchPizza", "for somebody who has been erased", 410, func(w *world) request {
		return w.by("patchPizza", "id", w.other).Saying(fields{"creator": w.gone.id})
	}},
	{"deletePizza", "deletes", 204, func(w *world) request {
		return w.by("deletePizza", "id", w.create("createPizza", w.operator, fields{"title": "Brief"}))
	}},

	{"listLikes", "a person's own", 200, func(w *world) request { return w.by("listLikes").By(w.ann.as).Asking("user="+w.ann.id, "LikeList") }},
	{"listLikes", "with the pizzas", 200, func(w *world) request {
		return w.by("listLikes").By(w.ann.as).Asking("expand=pizza&pizza="+w.pizza, "ExpandedLikeList")
	}},
	{"listLikes", "somebody else's", 403, func(w *world) request { return w.by("listLikes").By(w.ann.as).Asking("user="+w.bob.id, "LikeList") }},
	{"createLike", "a like", 201, func(w *world) request { return w.by("createLike").Saying(whole["like"](w)) }},
	{"createLike", "of no pizza", 400, func(w *world) request {
		return w.by("createLike").By(w.ann.as).Saying(fields{"pizza": number(unused())})
	}},
	{"createLike", "for somebody else", 403, func(w *world) request {
		return w.by("createLike").By(w.ann.as).Saying(fields{"pizza": number(w.other), "user": w.bob.id})
	}},
	{"createLike", "twice", 409, func(w *world) request {
		return w.by("createLike").By(w.ann.as).Saying(fields{"pizza": number(w.pizza)})
	}},
	{"createLike", "by somebody who has been erased", 410, func(w *world) request {
		return w.by("createLike").Saying(fields{"pizza": number(w.pizza), "user": w.gone.id})
	}},
	{"countLikes", "anyone", 200, func(w *world) request {
		return w.by("countLikes").By(nil).Asking("pizza="+w.pizza+"&pizza=1&pizza="+w.other, "")
	}},
	{"getLike", "a person's own", 200, func(w *world) request { return w.by("getLike", "id", w.like).By(w.ann.as).Asking("", "Like") }},
	{"getLike", "with its pizza", 200, func(w *world) request {
		return w.by("getLike", "id", w.like).Asking("expand=pizza", "ExpandedLike")
	}},
	{"putLike", "creates", 201, func(w *world) request { return w.by("putLike", "id", unused()).Saying(whole["like"](w)) }},
	{"putLike", "replaces", 200, func(w *world) request {
		return w.by("putLike", "id", w.like).Saying(fields{"pizza": number(w.pizza), "user": w.ann.id})
	}},
	{"putLike", "what there is elsewhere", 409, func(w *world) request {
		return w.by("putLike", "id", unused()).Saying(fields{"pizza": number(w.pizza), "user": w.ann.id})
	}},
	{"putLike", "by somebody who has been erased", 410, func(w *world) request {
		return w.by("putLike", "id", w.like).Saying(fields{"pizza": number(w.pizza), "user": w.gone.id})
	}},
	{"patchLike", "changes", 200, func(w *world) request {
		return w.by("patchLike", "id", w.bobs).Saying(fields{"pizza": number(w.create("createPizza", w.operator, fields{"title": "Salami"}))})
	}},
	{"patchLike", "what there is elsewhere", 409, func(w *world) request {
		return w.by("patchLike", "id", w.bobs).Saying(fields{"pizza": number(w.pizza), "user": w.ann.id})
	}},
	{"patchLike", "by somebody who has been erased", 410, func(w *world) request {
		return w.by("patchLike", "id", w.bobs).Saying(fields{"user": w.gone.id})
	}},
	{"deleteLike", "takes it back", 204, func(w *world) request {
		return w.by("deleteLike", "id", w.create("createLike", w.operator, whole["like"](w)))
	}},

	{"listEvents", "anyone", 200, func(w *world) request {
		return w.by("listEvents").By(nil).Asking("from=2029-12-31T23:00:00-01:00&to=2031-01-01T00:00:00Z&host="+w.ann.id, "")
	}},
	{"createEvent", "a person's own", 201, func(w *world) request {
		return w.by("createEvent").By(w.ann.as).Saying(newEvent(fields{"pizza": number(w.pizza)}))
	}},
	{"createEvent", "about no pizza", 400, func(w *world) request {
		return w.by("createEvent").Saying(newEvent(fields{"pizza": number(unused())}))
	}},
	{"createEvent", "for somebody else", 403, func(w *world) request {
		return w.by("createEvent").By(w.ann.as).Saying(newEvent(fields{"host": w.bob.id}))
	}},
	{"createEvent", "for somebody who has been erased", 410, func(w *world) request {
		return w.by("createEvent").Saying(newEvent(fields{"host": w.gone.id}))
	}},
	{"getEvent", "anyone", 200, func(w *world) request { return w.by("getEvent", "id", w.event).By(nil) }},
	{"putEvent", "creates", 201, func(w *world) request {
		return w.by("putEvent", "id", unused()).Saying(newEvent(fields{"pizza": number(w.pizza)}))
	}},
	{"putEvent", "replaces", 200, func(w *world) request {
		return w.by("putEvent", "id", w.event).By(w.ann.as).Saying(newEvent(fields{"pizza": number(w.pizza), "host": w.ann.id}))
	}},
	{"putEvent", "for somebody who has been erased", 410, func(w *world) request {
		return w.by("putEvent", "id", w.event).Saying(newEvent(fields{"host": w.gone.id}))
	}},
	{"patchEvent", "changes", 200, func(w *world) request {
		return w.by("patchEvent", "id", w.event).By(w.ann.as).Saying(fields{"place": newName(), "pizza": number(w.pizza), "description": nil})
	}},
	{"patchEvent", "for somebody who has been erased", 410, func(w *world) request {
		return w.by("patchEvent", "id", w.event).Saying(fields{"host": w.gone.id})
	}},
	{"deleteEvent", "cancels", 204, func(w *world) request {
		return w.by("deleteEvent", "id", w.create("createEvent", w.operator, newEvent(nil)))
	}},
	{"listAttendances", "the host", 200, func(w *world) request { return w.by("listAttendances", "id", w.event).By(w.ann.as) }},
	{"getAttendance", "a person's own", 200, func(w *world) request {
		return w.by("getAttendance", "id", w.event, "user", w.ann.id).By(w.ann.as)
	}},
	{"getAttendance", "somebody else's", 403, func(w *world) request {
		return w.by("getAttendance", "id", w.event, "user", w.ann.id).By(w.bob.as)
	}},
	{"putAttendance", "creates", 201, func(w *world) request {
		return w.by("putAttendance", "id", w.event, "user", nobody()).Saying(fields{"status": "maybe"})
	}},
	{"putAttendance", "replaces", 200, func(w *world) request {
		return w.by("putAttendance", "id", w.event, "user", w.ann.id).By(w.ann.as).Saying(fields{"status": "going"})
	}},
	{"putAttendance", "by somebody who has been erased", 410, func(w *world) request {
		return w.by("putAttendance", "id", w.event, "user", w.gone.id).Saying(fields{"status": "going"})
	}},
	{"deleteAttendance", "takes it back", 204, func(w *world) request {
		user := nobody()
		w.create("putAttendance", w.operator, fields{"status": "maybe"}, "id", w.event, "user", user)
		return w.by("deleteAttendance", "id", w.event, "user", user)
	}},
	{"listSuggestions", "a person", 200, func(w *world) request { return w.by("listSuggestions", "id", w.event).By(w.ann.as) }},
}

// whole are bodies that make another thing each time, with all that they can say.
var whole = map[string]func(*world) fields{
	"pizza": func(*world) fields {
		return fields{"title": "Quattro " + newName(), "description": "Line\none, ünïcode 🍕.", "image_url": "https://images.example.org/4.jpg?a=b"}
	},
	"like": func(w *world) fields { return fields{"pizza": number(w.pizza), "user": nobody()} },
}
