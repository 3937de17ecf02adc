#!/bin/sh
# Runs the Go benchmarks of what a task goes through, for benchstat:
#
#   bench/go.sh >bench/baseline.txt     when the figures are meant to be kept
#   make bench-compare                  the same beside bench/baseline.txt
set -eu
cd "$(dirname "$0")/.."
exec go test -run '^$' -bench . -benchmem -count "${COUNT:-6}" -benchtime "${BENCHTIME:-0.5s}" ./conductor ./signer ./task ./worker
