#!/bin/sh
# Runs the Go benchmarks of the path of a task, for benchstat:
#
#   bench/go.sh >bench/baseline.txt     to replace the baseline
#   make bench-compare                  to compare with bench/baseline.txt
set -eu
cd "$(dirname "$0")/.."
exec go test -run '^$' -bench . -benchmem -count "${COUNT:-6}" -benchtime "${BENCHTIME:-0.5s}" ./conductor ./signer ./task ./worker
