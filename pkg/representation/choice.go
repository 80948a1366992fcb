package representation

import (
	"context"
	"net/http"
	"strconv"
)

// Choice is the representation that a request is answered with.
type Choice struct {
	Format Format
	Gzip   bool
}

// Choose is what the request wants most. It returns false if no format will do;
// the choice is then the one for the problem that says so.
func Choose(r *http.Request) (Choice, bool) {
	format, ok := Accepted(r.Header)
	return Choice{Format: format, Gzip: Compressed(r.Header)}, ok
}

// String names the representation: no other of the same document has this name.
func (c Choice) String() string {
	if c.Gzip {
		return c.Format.String() + "." + Gzip
	}
	return c.Format.String()
}

// Vary is which headers of a request make a choice.
const Vary = "Accept, Accept-Encoding"

// Send answers with the document data of that media type, in gzip if that was
// chosen. The peer may be gone, which nobody is left to be told.
func (c Choice) Send(w http.ResponseWriter, status int, mediaType string, data []byte) {
	header := w.Header()
	header.Set("Content-Type", mediaType)
	header.Set("Vary", Vary)
	if c.Gzip {
		header.Set("Content-Encoding", Gzip)
		data = Compress(data)
	}
	header.Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

type codecKey struct{}

var withoutMessages = &Codec{}

// NewContext carries the codec that requests are answered with.
func NewContext(ctx context.Context, codec *Codec) context.Context {
	return context.WithValue(ctx, codecKey{}, codec)
}

// FromContext is the codec in ctx, or one that knows no Protobuf message.
func FromContext(ctx context.Context) *Codec {
	if codec, ok := ctx.Value(codecKey{}).(*Codec); ok {
		return codec
	}
	return withoutMessages
}
