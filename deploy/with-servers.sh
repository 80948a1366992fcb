#!/usr/bin/env bash
# with-servers.sh DIR COMMAND…: runs the command with PostgreSQL, RabbitMQ and etcd of its own in DIR, which are stopped
# whatever happens. Tests and benchmarks find them from the TEST_ variables.
set -euo pipefail
cd "$(dirname "$0")/.."
local=.local/bin/local
servers=$1
shift

stop() {
	local code=$?
	trap - EXIT
	"$local" down --dir "$servers" || true
	exit "$code"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$local" servers --dir "$servers"
set -a
# shellcheck disable=SC1091 # written by the line before
. "$servers/env"
set +a
"$@"
