#!/usr/bin/env bash
# Runs every test. `make test` calls it, with servers.
set -euo pipefail
cd "$(dirname "$0")/.."

# modules FOLDER…: their tests, but the system's own, which need the whole system and come last, alone.
modules() {
	local failed=0 module packages
	for module in "$@"; do
		printf '\n== %s\n' "$module"
		case $module in services/_*) export GOWORK=off ;; *) unset GOWORK ;; esac # a template is in no workspace
		packages=$(cd "$module" && go list ./... | grep -v '/deploy/system' || true)
		# shellcheck disable=SC2086 # one argument per package
		[ -z "$packages" ] || (cd "$module" && go test -race -shuffle=on $packages) || failed=1
	done
	return "$failed"
}

# Two at a time, since most of them wait most of the time. What one says is shown when both are done.
failed=0
said=$(mktemp)
trap 'rm -f "$said"' EXIT
modules pkg proto >"$said" 2>&1 &
modules services/* deploy || failed=1
wait $! || failed=1
cat "$said"
printf '\n== the system\n'
(cd deploy && go test -race -shuffle=on -count=1 -timeout 20m -v ./system/...) || failed=1
exit "$failed"
