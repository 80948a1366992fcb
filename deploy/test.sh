#!/usr/bin/env bash
# Runs every test against PostgreSQL, RabbitMQ and etcd of its own, which are stopped whatever happens. `make test` calls it.
set -euo pipefail
cd "$(dirname "$0")/.."
local=.local/bin/local
servers=.local/test

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

failed=0
for module in $(go list -m -f '{{.Dir}}'); do
	printf '\n== %s\n' "${module#"$PWD"/}"
	# The system's own story needs the whole system and comes last, alone.
	packages=$(cd "$module" && go list ./... | grep -v '/deploy/system' || true)
	# shellcheck disable=SC2086 # one argument per package
	[ -z "$packages" ] || (cd "$module" && go test -race -shuffle=on $packages) || failed=1
done
if [ -d deploy/system ]; then
	printf '\n== the system\n'
	(cd deploy && go test -race -shuffle=on -count=1 -timeout 20m -v ./system/...) || failed=1
fi
exit "$failed"
