#!/usr/bin/env bash
# Runs the benchmarks. `make bench` calls it, with servers.
set -euo pipefail
cd "$(dirname "$0")/.."

bench() {
	printf '\n== %s\n' "$1"
	(cd "$1" && go test -run '^$' -bench . -timeout 20m "${@:2}" .)
}
bench services/pizza/internal/postgres
bench pkg/representation
bench deploy/throughput -benchtime 15x
bench pkg/discovery -benchtime 500x
bench pkg/httpclient -benchtime 5000x
