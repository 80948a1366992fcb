package system

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// screenshots names the variable that names a folder for what the browser showed.
const screenshots = "TIZZA_SCREENSHOTS"

// browser is a person's own Chromium, without a past.
type browser struct {
	t        *testing.T
	ctx      context.Context
	shots    int
	mu       sync.Mutex
	hosts    map[string]bool // that it sent requests to
	problems []string        // what its console said, refused requests apart
}

// phone and desktop are what the browser is run on.
type screen struct {
	width, height int64
	mobile        bool
}

var (
	phone   = screen{360, 780, true}
	desktop = screen{1280, 900, false}
)

// homeOf is a folder for all that a browser writes. It goes when the browser's last process no longer writes there, for
// which t.TempDir would not wait.
func homeOf(t *testing.T) string {
	t.Helper()
	home, err := os.MkdirTemp("", "browser-")
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.True(t, within(t, patience, func() bool { return os.RemoveAll(home) == nil }), "%s can be removed", home)
	})
	return home
}

func openBrowser(t *testing.T, on screen) *browser {
	b := &browser{t: t, hosts: map[string]bool{}}
	home := homeOf(t)
	allocator, cancel := chromedp.NewExecAllocator(t.Context(),
		chromedp.Env("TMPDIR="+home), chromedp.UserDataDir(filepath.Join(home, "user")), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	b.ctx = ctx
	require.NoError(t, chromedp.Do(ctx), "a Chromium is needed; `make test-servers` installs one")
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	// Nothing moves by itself, so that what is clicked at is still there.
	_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	require.NoError(t, err)
	var options []chromedp.EmulateViewportOption
	if on.mobile {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulatePortrait)
	}
	b.do(chromedp.EmulateViewport(on.width, on.height, options...))
	return b
}

// listen remembers what must not be.
func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil {
			b.hosts[u.Host] = true
		}
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.problems = append(b.problems, fmt.Sprintf("console.%s: %+v", e.Type, e.Args))
	case *cdplog.EventEntryAdded:
		if e.Entry.Source != cdplog.EntrySourceNetwork { // those are answers such as 412; violations of the policy are "security"
			b.problems = append(b.problems, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
		}
	}
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.look("failed")
		require.NoError(b.t, err)
	}
}

// open goes to an address and waits until the page is there.
func (b *browser) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
	b.sees("h1", "")
}

// says is what the expression is in the page; the zero value while there is no page.
func says[T any](b *browser, expression string) T {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, _ := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	return value
}

// quoted is the text as JavaScript.
func quoted(text string) string {
	encoded, _ := json.Marshal(text) // a string can always be encoded
	return string(encoded)
}

// text is what the element says, with a control's value.
func (b *browser) text(selector string) string {
	return says[string](b, fmt.Sprintf(`(e => e ? (e.value ?? e.textContent) : "")(document.querySelector(%s))`, quoted(selector)))
}

// sees waits until the element is there and its text has this in it.
func (b *browser) sees(selector, text string) {
	b.t.Helper()
	there := fmt.Sprintf(`document.querySelector(%s)?.textContent.includes(%s) ?? false`, quoted(selector), quoted(text))
	if !within(b.t, patience, func() bool { return says[bool](b, there) }) {
		b.look("failed")
		require.FailNow(b.t, "not to be seen", "%q in %s, which is %q", text, selector, b.text(selector))
	}
}

// follow clicks on the link or button of that name.
func (b *browser) follow(name string) {
	b.t.Helper()
	b.do(chromedp.Click(fmt.Sprintf(`//*[self::a or self::button or self::summary][normalize-space()=%q]`, name), chromedp.NodeVisible))
}

// submit clicks on the button of the first form.
func (b *browser) submit() {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS("main form button"), chromedp.NodeVisible))
}

func (b *browser) fill(selector, value string) {
	b.t.Helper()
	b.do(chromedp.Focus(chromedp.CSS(selector)), chromedp.Evaluate[chromedp.Void]("document.activeElement.select?.()"),
		chromedp.KeyEvent(value))
}

// tabTo presses Tab until the focus, which has to be visible, is on what has that name.
func (b *browser) tabTo(name string) {
	b.t.Helper()
	const focused = `(e => [e.labels?.[0]?.textContent ?? e.textContent.trim(), getComputedStyle(e).outlineStyle])(document.activeElement)`
	for range 100 {
		b.do(chromedp.KeyEvent(kb.Tab))
		now := says[[]string](b, focused)
		if len(now) != 2 || now[0] != name {
			continue
		}
		require.NotEqual(b.t, "none", now[1], "the focus on %s can be seen", name)
		return
	}
	require.FailNow(b.t, "the keyboard does not reach "+name)
}

func (b *browser) press(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// look keeps a picture of the whole page, where one is wanted.
func (b *browser) look(name string) {
	b.t.Helper()
	folder := os.Getenv(screenshots)
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	b.shots++
	path := filepath.Join(folder, fmt.Sprintf("%s-%02d-%s.png", b.t.Name(), b.shots, name))
	require.NoError(b.t, os.MkdirAll(filepath.Dir(path), 0o755)) // a subtest's name has a slash in it
	require.NoError(b.t, os.WriteFile(path, picture, 0o644))
}
