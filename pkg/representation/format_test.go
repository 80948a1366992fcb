package representation_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tizza/tizza/pkg/representation"
)

func TestAcceptChoosesWhatIsWantedMost(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":                         "json",
		"*/*":                      "json",
		"application/*":            "json",
		"application/json":         "json",
		"application/problem+json": "json",
		"application/msgpack":      "msgpack",
		"application/x-protobuf":   "protobuf",
		"Application/MsgPack":      "msgpack",
		"application/json;q=0.5, application/msgpack":        "msgpack",
		"application/msgpack;q=0.5, application/json":        "json",
		"application/msgpack, */*":                           "msgpack",
		"application/x-protobuf, application/json":           "protobuf",
		"application/json, application/x-protobuf":           "json",
		"*/*;q=0.1, application/x-protobuf;q=0.2":            "protobuf",
		"*/*, application/json;q=0":                          "msgpack",
		"application/json;q=0, application/msgpack;q=0, */*": "protobuf",
		"text/html, */*;q=0.8":                               "json",
		"application/msgpack;q=x":                            "msgpack",
		", ,":                                                "json",
		"text/html":                                          "",
		";;":                                                 "",
		"application/*;q=0, */*":                             "",
		"*/*;q=0":                                            "",
		"application/json;q=0":                               "",
		"application/json;q=0, application/msgpack;q=0.000, application/x-protobuf;q=0.0": "",
	} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if accept != "" {
				header.Set("Accept", accept)
			}
			format, ok := representation.Accepted(header)
			assert.Equal(t, want != "", ok)
			if ok {
				assert.Equal(t, want, format.String())
			}
		})
	}
	t.Run("no range that is refused is ever chosen", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(rt *rapid.T) {
			weights := rapid.SliceOfN(rapid.IntRange(0, 1000), 3, 3).Draw(rt, "weights")
			var entries []string
			for _, i := range rapid.Permutation([]int{0, 1, 2}).Draw(rt, "order") {
				entries = append(entries, representation.Formats[i].MediaType()+";q="+thousandths(weights[i]))
			}
			format, ok := representation.Accepted(http.Header{"Accept": entries})
			most := max(weights[0], weights[1], weights[2])
			assert.Equal(rt, most > 0, ok)
			if ok {
				assert.Equal(rt, most, weights[format])
			}
		})
	})
}

func thousandths(n int) string {
	if n == 1000 {
		return "1.000"
	}
	return "0." + string([]byte{byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)})
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"application/json": "json", "Application/JSON; charset=UTF-8": "json", "application/merge-patch+json": "json",
		"application/msgpack": "msgpack", "application/x-protobuf": "protobuf",
		"application/json; charset=latin1": "", "text/plain": "", "": "", "json": "",
	} {
		_, format, ok := representation.ContentType(header)
		assert.Equal(t, want != "", ok, header)
		if ok {
			assert.Equal(t, want, format.String(), header)
		}
	}
}

func TestGzipIsUsedWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "x-gzip": true, "br, gzip;q=0.1": true, "*": true, "gzip; q=0.5": true,
		"gzip, identity": true, "gzip;q=0.1, identity;q=1": false, "identity;q=0, gzip;q=0.1": true,
		"gzip;q=0": false, "gzip;q=0.000": false, "*;q=0": false, "identity": false, "br": false, "*, gzip;q=0": false, "*;q=0, gzip": true,
	} {
		assert.Equal(t, want, representation.Compressed(http.Header{"Accept-Encoding": {header}}), header)
	}
	assert.False(t, representation.Compressed(http.Header{}))
}

func TestGzip(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	t.Run("there and back", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(rt *rapid.T) {
			data := rapid.SliceOf(rapid.Byte()).Draw(rt, "data")
			back, err := representation.Decompress(bytes.NewReader(representation.Compress(data)), limit)
			require.NoError(rt, err)
			assert.True(rt, bytes.Equal(data, back))
			assert.Equal(rt, representation.Compress(data), representation.Compress(data))
		})
	})
	t.Run("a bomb goes off at the limit", func(t *testing.T) {
		t.Parallel()
		_, err := representation.Decompress(bytes.NewReader(representation.Compress(make([]byte, limit))), limit)
		require.NoError(t, err)
		_, err = representation.Decompress(bytes.NewReader(representation.Compress(make([]byte, 300<<20))), limit)
		assert.ErrorIs(t, err, representation.ErrTooLarge)
	})
	whole := representation.Compress([]byte("pizza"))
	for name, stream := range map[string][]byte{
		"nothing": {}, "text": []byte("pizza"), "one cut off": whole[:len(whole)-1], "one with something behind it": append(bytes.Clone(whole), "x"...),
		"one with a bit turned": append(append(bytes.Clone(whole[:12]), whole[12]^1), whole[13:]...),
	} {
		t.Run(name+" is no stream", func(t *testing.T) {
			t.Parallel()
			_, err := representation.Decompress(bytes.NewReader(stream), limit)
			assert.ErrorIs(t, err, representation.ErrStream)
		})
	}
	t.Run("several members are one stream", func(t *testing.T) {
		t.Parallel()
		data, err := representation.Decompress(bytes.NewReader(append(bytes.Clone(whole), whole...)), limit)
		require.NoError(t, err)
		assert.Equal(t, "pizzapizza", string(data))
	})
	t.Run("what the source says is passed on", func(t *testing.T) {
		t.Parallel()
		_, err := representation.Decompress(io.MultiReader(bytes.NewReader(whole[:12]), failing{}), limit)
		assert.ErrorIs(t, err, errFailing)
		assert.NotErrorIs(t, err, representation.ErrStream)
	})
	t.Run("anybody's gzip is read", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
		_, _ = io.WriteString(w, strings.Repeat("pizza", 1000))
		require.NoError(t, w.Close())
		data, err := representation.Decompress(&out, limit)
		require.NoError(t, err)
		assert.Len(t, data, 5000)
	})
}

var errFailing = errors.New("failing")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errFailing }
