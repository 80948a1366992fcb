package representation

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// msgpackWriter writes MessagePack. It always has an answer.
type msgpackWriter struct{ out []byte }

func (w *msgpackWriter) null()            { w.out = msgp.AppendNil(w.out) }
func (w *msgpackWriter) bool(b bool)      { w.out = msgp.AppendBool(w.out, b) }
func (w *msgpackWriter) int(n int64)      { w.out = msgp.AppendInt64(w.out, n) }
func (w *msgpackWriter) float(f float64)  { w.out = msgp.AppendFloat64(w.out, f) }
func (w *msgpackWriter) string(s string)  { w.out = msgp.AppendString(w.out, s) }
func (w *msgpackWriter) time(t time.Time) { w.string(timeText(t)) }
func (w *msgpackWriter) list(n int)       { w.out = msgp.AppendArrayHeader(w.out, uint32(n)) } //nolint:gosec // a page
func (w *msgpackWriter) endList()         {}
func (w *msgpackWriter) object(n int)     { w.out = msgp.AppendMapHeader(w.out, uint32(n)) } //nolint:gosec // a page
func (w *msgpackWriter) name(s string)    { w.string(s) }
func (w *msgpackWriter) endObject()       {}

func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

const detailMsgpack = "is not valid MessagePack"

// readMsgpack trusts no length that the body claims: it takes entry by entry
// what is really there.
func readMsgpack(data []byte) (any, error) {
	if len(data) == 0 {
		return nil, malformed("", "must not be empty")
	}
	left := maxValues
	value, rest, err := msgpackValue(data, 0, &left)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, malformed("", "must be one MessagePack value with nothing behind it")
	}
	return value, nil
}

// msgpackValue reads the first value, and takes it and what is in it from those that are left.
func msgpackValue(data []byte, depth int, left *int) (any, []byte, error) {
	if depth > maxDepth {
		return nil, nil, tooDeep()
	}
	if *left--; *left < 0 {
		return nil, nil, tooMany()
	}
	switch msgp.NextType(data) {
	case msgp.MapType:
		return msgpackMap(data, depth, left)
	case msgp.ArrayType:
		return msgpackList(data, depth, left)
	case msgp.StrType:
		raw, rest, err := msgp.ReadStringZC(data)
		if err == nil && !utf8.Valid(raw) {
			return nil, nil, malformed("", "is not valid UTF-8")
		}
		return string(raw), rest, unreadable(err)
	case msgp.NilType:
		rest, err := msgp.ReadNilBytes(data)
		return nil, rest, unreadable(err)
	case msgp.BoolType:
		value, rest, err := msgp.ReadBoolBytes(data)
		return value, rest, unreadable(err)
	case msgp.IntType:
		value, rest, err := msgp.ReadInt64Bytes(data)
		return json.Number(strconv.FormatInt(value, 10)), rest, unreadable(err)
	case msgp.UintType:
		value, rest, err := msgp.ReadUint64Bytes(data)
		return json.Number(strconv.FormatUint(value, 10)), rest, unreadable(err)
	case msgp.Float32Type, msgp.Float64Type:
		value, rest, err := msgp.ReadFloat64Bytes(data)
		if err == nil && (math.IsNaN(value) || math.IsInf(value, 0)) {
			return nil, nil, malformed("", "must not hold NaN or infinity")
		}
		return decimal(value), rest, unreadable(err)
	case msgp.InvalidType:
		return nil, nil, malformed("", detailMsgpack)
	default:
		return nil, nil, malformed("", "must hold text, numbers, true, false, nil, lists and maps only")
	}
}

func msgpackMap(data []byte, depth int, left *int) (any, []byte, error) {
	n, rest, err := msgp.ReadMapHeaderBytes(data)
	if err != nil {
		return nil, nil, unreadable(err)
	}
	object := map[string]any{}
	for range n {
		if msgp.NextType(rest) != msgp.StrType {
			return nil, nil, malformed("", "must have text as the keys of maps")
		}
		var key, value any
		if key, rest, err = msgpackValue(rest, depth, left); err != nil {
			return nil, nil, err
		}
		if _, twice := object[key.(string)]; twice {
			return nil, nil, malformed(key.(string), detailTwice)
		}
		if value, rest, err = msgpackValue(rest, depth+1, left); err != nil {
			return nil, nil, err
		}
		object[key.(string)] = value
	}
	return object, rest, nil
}

func msgpackList(data []byte, depth int, left *int) (any, []byte, error) {
	n, rest, err := msgp.ReadArrayHeaderBytes(data)
	if err != nil {
		return nil, nil, unreadable(err)
	}
	list := []any{}
	for range n {
		var value any
		if value, rest, err = msgpackValue(rest, depth+1, left); err != nil {
			return nil, nil, err
		}
		list = append(list, value)
	}
	return list, rest, nil
}

func unreadable(err error) error {
	if err != nil {
		return malformed("", detailMsgpack)
	}
	return nil
}
