#!/usr/bin/env bash
# Runs every test. `make test` calls it, with servers. What failed stands at the end, whole and then by name.
set -euo pipefail
cd "$(dirname "$0")/.."
gotestsum=$PWD/.local/bin/tools/gotestsum
events=$(mktemp -d)
trap 'rm -rf "$events"' EXIT

# tests FORMAT FOLDER ARGUMENT…: go test in the folder, with a line per package or test; its events are kept.
tests() {
	local format=$1 folder=$2
	shift 2
	(cd "$folder" && "$gotestsum" --format "$format" --format-hide-empty-pkg --hide-summary all --jsonfile "$events/${folder//\//-}-$format" -- -race -shuffle=on "$@")
}

# modules FOLDER…: their tests, but the system's own, which need the whole system and come last, alone.
modules() {
	local failed=0 module packages
	for module in "$@"; do
		case $module in services/_*) export GOWORK=off ;; *) unset GOWORK ;; esac # a template is in no workspace
		packages=$(cd "$module" && go list ./... | grep -v '/deploy/system' || true)
		# shellcheck disable=SC2086 # one argument per package
		[ -z "$packages" ] || tests pkgname-and-test-fails "$module" $packages || failed=1
	done
	return "$failed"
}

# Two at a time, since most of them wait most of the time.
failed=0
modules pkg proto &
modules services/* deploy || failed=1
wait $! || failed=1
tests testname deploy -count=1 -timeout 40m ./system/... || failed=1

summary() { "$gotestsum" --format none --raw-command "$@" -- cat "$events"/*; }
echo
if [ "$failed" = 1 ]; then
	summary || true
	echo
	summary --hide-summary output || true
else
	summary
fi
exit "$failed"
