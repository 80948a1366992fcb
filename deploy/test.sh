#!/usr/bin/env bash
# Runs every test. `make test` calls it, with servers.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=0
for module in $(go list -m -f '{{.Dir}}'); do
	printf '\n== %s\n' "${module#"$PWD"/}"
	# The system's own story needs the whole system and comes last, alone.
	packages=$(cd "$module" && go list ./... | grep -v '/deploy/system' || true)
	# shellcheck disable=SC2086 # one argument per package
	[ -z "$packages" ] || (cd "$module" && go test -race -shuffle=on $packages) || failed=1
done
printf '\n== services/_template\n'
(cd services/_template && GOWORK=off go test -race -shuffle=on ./...) || failed=1
printf '\n== the system\n'
(cd deploy && go test -race -shuffle=on -count=1 -timeout 20m -v ./system/...) || failed=1
exit "$failed"
