// Package console is the browsable API of a service: one page that reads the
// service's own /openapi.json and lets a person try everything in it.
//
//	/         the page, or an index of the services for whoever prefers JSON
//	/docs     the page; /docs#getThing?id=7 is one operation, filled in
//	/assets/  what the page is made of, named by a hash and so cacheable for ever
//
// The page knows nothing of the service but that document and the index, and a
// person's browser asks nobody but the service: no asset of another host, no
// inline script or style, and a Content-Security-Policy that would stop them.
// The session's cookie is HttpOnly, so that the page never sees it.
//
// The promise under failure: nothing here waits. Everything is embedded, and the
// other services are listed as they were last known, which may be none.
package console
