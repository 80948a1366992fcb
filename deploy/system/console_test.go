package system

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/deploy/internal/visitor"
)

const passphrase = "correct horse battery staple"

// newcomer has an account and seven pizzas, so two pages of them, and has not logged in anywhere.
func newcomer(t *testing.T) (name, id string) {
	t.Helper()
	name = newName()
	var person struct {
		ID string `json:"id"`
	}
	account := map[string]string{"username": name, "email": name + "@example.com", "password": passphrase}
	answer, err := tizza.Call(t.Context(), visitor.Anyone{}, http.MethodPost, tizza.Auth("/users"), account)
	require.NoError(t, err)
	require.NoError(t, answer.Want(http.StatusCreated, &person))
	for i := range 7 {
		pizza := map[string]string{"title": fmt.Sprintf("Number %d", i+1), "creator": person.ID}
		answer, err := tizza.Call(t.Context(), tizza.Operator(), http.MethodPost, tizza.Pizza("/pizzas"), pizza)
		require.NoError(t, err)
		require.NoError(t, answer.Want(http.StatusCreated, nil))
	}
	return name, person.ID
}

func TestAPersonWhoNeverSawTheAPIUsesItInABrowser(t *testing.T) {
	for name, on := range map[string]screen{"on a desktop": desktop, "on a phone": phone} {
		t.Run(name, func(t *testing.T) {
			person, id := newcomer(t)
			b := openBrowser(t, on)
			fits := func(what string) {
				t.Helper()
				b.look(what)
				assert.LessOrEqual(t, says[int64](b, "document.documentElement.scrollWidth"), on.width, "%s needs no scrolling sideways", what)
			}

			b.open(setting["PIZZA_URL"] + "/")
			b.sees("#services [aria-current]", "pizza")
			b.sees("#who", "Log in")
			fits("overview")

			b.follow("Log in at auth")
			b.sees("#services [aria-current]", "auth")
			b.fill("#login-username", person)
			b.fill("#login-password", "not the password")
			b.submit()
			b.sees(".problem", "Unauthorized")
			b.fill("#login-password", passphrase)
			b.submit()
			b.sees("#who", "Logged in")
			b.sees("main", id)
			fits("logged in")

			b.follow("pizza")
			b.sees("#services [aria-current]", "pizza")
			b.sees("#who", "Logged in")
			b.follow("GET List pizzas")
			b.sees("h1", "List pizzas")
			b.fill("#query-creator", id)
			b.fill("#query-limit", "5")
			b.follow("Send GET")
			b.sees(".outcome", "5 of 7")
			b.sees(".headers", "application/json")
			fits("a page")
			b.follow("Next page")
			b.sees(".outcome", "2 of 7")
			b.sees("pre.json", "Number 7")
			fits("the last page")
			b.follow("Previous page")
			b.sees(".outcome", "5 of 7")

			b.follow(firstID(b))
			b.sees("h1", "Read a pizza")
			b.sees(".outcome", "200 OK")
			b.sees(".headers", "etag")
			fits("a pizza")

			b.follow("Edit with this tag")
			b.sees("h1", "Create or replace")
			assert.Regexp(t, `^".+"$`, b.text("#header-If-Match"))
			body := b.text("#body")
			assert.Contains(t, body, `"title": "Number 1"`)
			b.fill("#body", strings.ReplaceAll(body, "Number 1", "Margherita"))
			b.follow("The same with curl")
			b.sees("pre.curl", "If-Match")
			b.follow("Send PUT")
			b.sees(".outcome", "200 OK")
			b.sees("pre.json", "Margherita")
			fits("replaced")

			b.follow("Send PUT")
			b.sees(".outcome", "412")
			b.sees(".problem", "Precondition Failed")
			fits("refused")
			b.follow("Read the current one")
			b.sees("pre.json", "Margherita")

			assertNothingElse(t, b)
		})
	}
}

func TestAPersonUsesTheBrowsableAPIWithTheKeyboardAlone(t *testing.T) {
	person, id := newcomer(t)
	b := openBrowser(t, desktop)
	b.open(setting["AUTH_URL"] + "/docs")

	b.tabTo("Skip to the content")
	b.press(kb.Enter)
	b.tabTo("username")
	b.press(person)
	b.tabTo("password")
	b.press(passphrase + kb.Enter)
	b.sees("#who", "Logged in")

	b.tabTo("pizza") // round the end of the page and from the start
	b.press(kb.Enter)
	b.sees("#services [aria-current]", "pizza")
	b.tabTo("Filter operations")
	b.press("list")
	b.tabTo("GET List pizzas")
	b.press(kb.Enter)
	b.sees("h1", "List pizzas")
	b.tabTo("limit")
	b.press("5")
	b.tabTo("creator")
	b.press(id)
	b.tabTo("Send GET")
	b.press(kb.Enter)
	b.sees(".outcome", "5 of 7")

	b.tabTo("Next page")
	b.press(kb.Enter)
	b.sees(".outcome", "2 of 7")
	b.tabTo(firstID(b))
	b.press(kb.Enter)
	b.sees("h1", "Read a pizza")
	b.sees(".outcome", "200 OK")
	b.tabTo("Edit with this tag")
	b.press(kb.Enter)
	b.sees("h1", "Create or replace")
	b.tabTo("Send PUT")
	b.look("before the last key")
	b.press(kb.Enter)
	b.sees(".outcome", "200 OK")
	assertNothingElse(t, b)
}

func TestTheBrowsableAPIShowsBytesAndErrorsAndTakesATokenForThisTabOnly(t *testing.T) {
	_, id := newcomer(t)
	b := openBrowser(t, phone)
	b.open(setting["AUTH_URL"] + "/docs#account")
	b.follow("Use a service's token")
	b.fill("#credentials", setting["OPERATOR_TOKEN"])
	b.follow("Use it")
	b.sees("main", "operator")
	assert.Equal(t, `["token"]`, says[string](b, "JSON.stringify(Object.keys(sessionStorage))"))
	assert.Zero(t, says[int64](b, "localStorage.length + document.cookie.length"))

	b.open(setting["AUTH_URL"] + "/docs#getUser?uuid=" + id)
	b.sees(".outcome", "200 OK")
	b.fill("#accept", "application/msgpack")
	b.follow("Send GET")
	b.sees("pre.hex", "000000  8")
	assert.Equal(t, int64(360), says[int64](b, "document.documentElement.scrollWidth"), "the dump scrolls by itself")
	b.look("bytes")

	b.open(setting["AUTH_URL"] + "/docs#createUser")
	b.fill("#body", `{"username": "", "nonsense": 1}`)
	b.follow("Send POST")
	b.sees(".outcome", "400")
	for _, field := range []string{"username", "email", "password", "nonsense"} {
		b.sees(".problem dl", field)
	}
	b.look("errors")

	b.open(setting["PIZZA_URL"] + "/docs#deletePizza")
	b.sees("button.send.delete", "Send DELETE")
	assertNothingElse(t, b)
}

// firstID is the first entry's own key in the list that is shown.
func firstID(b *browser) string {
	b.t.Helper()
	id := b.text(`pre.json a[href^="#getPizza"]`)
	require.NotEmpty(b.t, id, "an entry of a list is a link to itself")
	return id
}

// assertNothingElse says that nothing but tizza was asked for anything, and that the browser had nothing to complain of.
func assertNothingElse(t *testing.T, b *browser) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Empty(t, b.problems)
	ours := map[string]bool{}
	for _, service := range services {
		u, err := url.Parse(setting[strings.ToUpper(service)+"_URL"])
		require.NoError(t, err)
		ours[u.Host] = true
	}
	require.NotEmpty(t, b.hosts)
	for host := range b.hosts {
		assert.Contains(t, ours, host)
	}
}
