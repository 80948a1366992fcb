package representation

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Gzip is the name of the one content coding that is spoken (RFC 9110 §8.4.1.3).
const Gzip = "gzip"

// Compressed says whether Accept-Encoding asks for gzip, by its name or by a
// star, and not for the document as it is with more weight. No header asks for
// nothing.
func Compressed(header http.Header) bool {
	named, star, plain := -1.0, -1.0, -1.0
	for entry := range strings.SplitSeq(strings.Join(header.Values("Accept-Encoding"), ","), ",") {
		coding, params, _ := strings.Cut(entry, ";")
		_, q, _ := strings.Cut(params, "=")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case Gzip, "x-gzip":
			named = weight(strings.TrimSpace(q))
		case "identity":
			plain = weight(strings.TrimSpace(q))
		case "*":
			star = weight(strings.TrimSpace(q))
		}
	}
	if named < 0 {
		named = star
	}
	return named > 0 && named >= plain
}

var writers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is valid
	return w
}}

// Compress is data in gzip. The same data gives the same bytes.
func Compress(data []byte) []byte {
	w := writers.Get().(*gzip.Writer)
	defer writers.Put(w)
	var out bytes.Buffer
	out.Grow(len(data)/2 + 64)
	w.Reset(&out)
	_, _ = w.Write(data) // to memory: neither fails
	_ = w.Close()
	return out.Bytes()
}

// What Decompress returns.
var (
	ErrStream   = errors.New("not a gzip stream")
	ErrTooLarge = errors.New("larger than the limit")
)

var readers sync.Pool

// Decompress reads a whole gzip stream that holds at most limit bytes. It
// returns ErrStream (with the cause) for what is none, is cut off or has
// something behind it, ErrTooLarge for one that holds more, and src's own error.
func Decompress(src io.Reader, limit int64) ([]byte, error) {
	in := &watched{Reader: src}
	buffered := bufio.NewReader(in) // so that gzip reads no byte too many
	zip, err := reader(buffered)
	if err != nil {
		return nil, in.blame(err)
	}
	defer readers.Put(zip)
	data, err := io.ReadAll(io.LimitReader(zip, limit+1))
	switch {
	case err != nil:
		return nil, in.blame(err)
	case int64(len(data)) > limit:
		return nil, ErrTooLarge
	}
	return data, nil
}

func reader(src *bufio.Reader) (*gzip.Reader, error) {
	if zip, ok := readers.Get().(*gzip.Reader); ok {
		return zip, zip.Reset(src)
	}
	return gzip.NewReader(src)
}

// watched remembers the source's own error, to keep it apart from gzip's.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

func (w *watched) blame(err error) error {
	if w.err != nil {
		return w.err
	}
	return errors.Join(ErrStream, err)
}
