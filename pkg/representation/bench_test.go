package representation_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/representation"
)

// BenchmarkWrite writes a page of a hundred things.
func BenchmarkWrite(b *testing.B) {
	c, page := codec(b), things100()
	for _, format := range representation.Formats {
		b.Run(format.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(format, page); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRead reads what BenchmarkWrite writes.
func BenchmarkRead(b *testing.B) {
	c, page := codec(b), things100()
	for _, format := range representation.Formats {
		data, err := c.Write(format, page)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(format.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Read(format, "Thing", data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func things100() Thing {
	at := time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC)
	page := Thing{ID: 1, Title: "page", Made: at, Ended: &at, Owner: orNull{true: uuid.Nil}}
	for range 100 {
		page.Parts = append(page.Parts, Part{ID: uuid.Nil, Note: "tomato mozzarella basil"})
	}
	return page
}
