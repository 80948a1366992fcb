package page

import (
	"encoding/base64"
	"encoding/binary"
)

// Cursor is a place in a list: the rows after Key or, if Back, the nearest rows
// before it. The row that had the key may be gone by now.
type Cursor struct {
	Key  int64
	Back bool
}

// cursorVersion is the first byte of a cursor, so that its form can change.
const cursorVersion = 1

const (
	forward byte = iota
	back
)

// String is the cursor as a parameter: base64url of its version, its direction
// and its key as a varint. It is no secret, and nothing may follow from its form.
func (c Cursor) String() string {
	data := []byte{cursorVersion, forward}
	if c.Back {
		data[1] = back
	}
	return base64.RawURLEncoding.EncodeToString(binary.AppendVarint(data, c.Key))
}

// parseCursor takes only what String gives.
func parseCursor(text string) (Cursor, bool) {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(data) < 3 || data[0] != cursorVersion || data[1] > back {
		return Cursor{}, false
	}
	key, _ := binary.Varint(data[2:])
	c := Cursor{Key: key, Back: data[1] == back}
	return c, c.String() == text
}
