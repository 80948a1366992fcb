package httpclient

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTheCacheIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	key := func(i int) cacheKey { return cacheKey{service: "pizza", path: fmt.Sprint("/", i)} }
	body := make([]byte, mostPerEntry)

	t.Run("whatever is kept, overwritten and dropped", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			c := newCache()
			for range rapid.IntRange(1, 100).Draw(t, "steps") {
				k := key(rapid.IntRange(0, 30).Draw(t, "key"))
				if rapid.Bool().Draw(t, "add") {
					c.add(k, &entry{body: body[:rapid.IntRange(0, mostPerEntry).Draw(t, "size")]})
				} else {
					c.drop(k)
				}
				sum := 0
				for _, e := range c.entries.Values() {
					sum += e.cost()
				}
				if sum != c.bytes || sum > mostCached {
					t.Fatalf("%d bytes are kept, %d counted, %d allowed", sum, c.bytes, mostCached)
				}
			}
		})
	})
	t.Run("what is used stays, and the newest", func(t *testing.T) {
		t.Parallel()
		c := newCache()
		for i := range 40 {
			c.add(key(i), &entry{body: body})
			require.NotNil(t, c.get(key(0)))
		}
		assert.NotNil(t, c.get(key(39)))
		assert.NotNil(t, c.get(key(30)))
		assert.Nil(t, c.get(key(10)))
	})
	t.Run("in number too, if they are small", func(t *testing.T) {
		t.Parallel()
		c := newCache()
		for i := range 2 * mostCached / entryCost {
			c.add(key(i), &entry{})
		}
		assert.LessOrEqual(t, c.entries.Len(), mostCached/entryCost)
		assert.LessOrEqual(t, c.bytes, mostCached)
	})
}
