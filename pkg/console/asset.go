package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"path"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/problem"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

//go:embed assets
var embedded embed.FS

// assets are the files by the address of each. The folder has the hash of all
// of them in its name: they import each other by relative names, so one that
// changes moves them all.
var assets, assetFolder = readAssets()

var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func readAssets() (files map[string][]byte, folder string) {
	entries, err := embedded.ReadDir("assets")
	if err != nil {
		panic(err) // it is compiled in
	}
	contents, hash := map[string][]byte{}, sha256.New()
	for _, entry := range entries {
		content, err := embedded.ReadFile("assets/" + entry.Name())
		if err != nil {
			panic(err)
		}
		contents[entry.Name()] = content
		fmt.Fprintf(hash, "%s %d\n%s", entry.Name(), len(content), content)
	}
	folder = "/assets/" + hex.EncodeToString(hash.Sum(nil))[:16] + "/"
	files = map[string][]byte{}
	for name, content := range contents {
		files[folder+name] = content
	}
	return files, folder
}

// serveAsset answers for good: another content has another address.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	content, known := assets[r.URL.Path]
	if !known {
		problem.Write(w, r, fault.NotFound())
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	write(w, assetTypes[path.Ext(r.URL.Path)], content)
}

// renderPage is the page of a service. Everything else in it comes from the
// service's document, in the browser.
func renderPage(o Options) []byte {
	page := new(bytes.Buffer)
	err := pageTemplate.Execute(page, map[string]string{"Service": o.Service, "Version": o.Version, "Assets": assetFolder})
	if err != nil {
		panic(fmt.Errorf("render the console's page: %w", err)) // a template of ours, with strings in it
	}
	return page.Bytes()
}
