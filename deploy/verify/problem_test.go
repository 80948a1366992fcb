package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
)

func TestTheContractNamesEveryProblem(t *testing.T) {
	var kinds []any
	for kind := fault.Internal; kind <= fault.Timeout; kind++ {
		kinds = append(kinds, "urn:problem:"+kind.String())
	}
	h, err := open(".")
	require.NoError(t, err)
	for _, service := range h.services() {
		d, err := readDocument(h.root + "/services/" + service + "/openapi.yaml")
		require.NoError(t, err)
		kind := d.sub("components").sub("schemas").sub("Problem").sub("properties").sub("type")
		assert.ElementsMatch(t, kinds, kind["enum"], service)
	}
}
