// Command sizes prints what each format costs: bytes, and the server's time to write and to read them, plain and in
// gzip. `make sizes` runs it. Times are of this machine, and good for comparing the lines with each other.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/representation"
	pizzav1 "github.com/tizza/tizza/proto/pizza/v1"
)

// PizzaList and Pizza are as pizza's openapi.yaml has them.
type (
	PizzaList struct {
		Count    int64   `json:"count"`
		Next     *string `json:"next"`
		Previous *string `json:"previous"`
		Results  []Pizza `json:"results"`
	}
	Pizza struct {
		ID          int64      `json:"id"`
		Title       string     `json:"title"`
		Description string     `json:"description"`
		ImageURL    string     `json:"image_url"`
		Creator     *uuid.UUID `json:"creator"`
		CreatedAt   time.Time  `json:"created_at"`
		UpdatedAt   time.Time  `json:"updated_at"`
	}
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	codec, err := representation.NewCodec(pizzav1.File_pizza_v1_resources_proto)
	if err != nil {
		return err
	}
	for _, document := range []struct {
		name string
		list PizzaList
	}{
		{"a list of 100 pizzas", list(100, 8)},
		{"a document of 48 KB of text", list(24, 300)},
	} {
		fmt.Printf("\n%s\n", document.name)
		out := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
		fmt.Fprintln(out, "\tbytes\tof JSON\twrite µs\tread µs\t")
		plain := 0
		for _, compressed := range []bool{false, true} {
			for _, format := range representation.Formats {
				m, err := measure(codec, format, compressed, document.list)
				if err != nil {
					return err
				}
				if plain == 0 {
					plain = m.size
				}
				fmt.Fprintf(out, "%s\t%d\t%.0f %%\t%.0f\t%.0f\t\n", m.name, m.size, 100*float64(m.size)/float64(plain), m.write, m.read)
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return nil
}

type measured struct {
	name        string
	size        int
	write, read float64 // microseconds
}

func measure(codec *representation.Codec, format representation.Format, compressed bool, list PizzaList) (measured, error) {
	write := func() ([]byte, error) {
		data, err := codec.Write(format, list)
		if compressed && err == nil {
			data = representation.Compress(data)
		}
		return data, err
	}
	data, err := write()
	if err != nil {
		return measured{}, err
	}
	read := func() (err error) {
		plain := data
		if compressed {
			if plain, err = representation.Decompress(bytes.NewReader(data), 1<<20); err != nil {
				return err
			}
		}
		_, err = codec.Read(format, "PizzaList", plain)
		return err
	}
	m := measured{name: representation.Choice{Format: format, Gzip: compressed}.String(), size: len(data)}
	m.write = microseconds(func() error { _, err := write(); return err })
	m.read = microseconds(read)
	return m, read()
}

func microseconds(do func() error) float64 {
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if err := do(); err != nil {
				b.Fatal(err)
			}
		}
	})
	return float64(result.NsPerOp()) / 1e3
}

var (
	kinds = strings.Fields("Margherita Marinara Diavola Capricciosa Funghi Tonno Napoli Verdure Hawaii Quattro-Formaggi")
	words = strings.Fields(`tomato mozzarella basil from a wood oven with olives capers anchovies and the best flour of the
		valley baked for ninety seconds on hot stone served with rocket parmesan lemon chilli oil garlic or nothing at all`)
)

// list is n pizzas with descriptions of some words. The same each time.
func list(n, length int) PizzaList {
	next := "http://127.0.0.1:8002/api/v1/pizzas?cursor=AQDIAQ&limit=100&offset=100"
	out := PizzaList{Count: 100_000, Next: &next}
	at := time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC)
	for i := range n {
		var text strings.Builder
		for j := range length {
			fmt.Fprintf(&text, "%s ", words[(i*31+j*j+j*7)%len(words)])
		}
		creator := uuid.NewSHA1(uuid.Nil, []byte{byte(i)})
		out.Results = append(out.Results, Pizza{
			ID: int64(1000 + i), Title: fmt.Sprintf("%s no. %d", kinds[i%len(kinds)], i), Description: strings.TrimSpace(text.String()),
			ImageURL: fmt.Sprintf("https://images.example/pizzas/%d.jpg", i), Creator: &creator,
			CreatedAt: at.Add(time.Duration(i) * time.Minute), UpdatedAt: at.Add(time.Duration(i) * time.Hour),
		})
	}
	return out
}
