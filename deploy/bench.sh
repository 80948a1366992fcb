#!/usr/bin/env bash
# Runs the benchmarks against servers of their own, which are stopped whatever happens. `make bench` calls it.
set -euo pipefail
cd "$(dirname "$0")/.."
local=.local/bin/local
servers=.local/bench

trap '"$local" down --dir "$servers"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$local" servers --dir "$servers"
set -a
# shellcheck disable=SC1091 # written by the line before
. "$servers/env"
set +a

for package in services/pizza/internal/postgres pkg/representation; do
	printf '\n== %s\n' "$package"
	(cd "$package" && go test -run '^$' -bench . -timeout 20m .)
done
