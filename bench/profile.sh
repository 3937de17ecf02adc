#!/bin/sh
# Profiles the worker before the stub server and keeps what pprof says as text:
#
#   bench/profile.sh ES256 50 after     bench/profiles/es256-50-after.txt
set -eu
cd "$(dirname "$0")/.."
alg=$1 slots=$2 name=$3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
out=bench/profiles/$(echo "$alg" | tr 'A-Z' 'a-z')-$slots-$name.txt
go build -o "$tmp/profiler" ./bench/profiler
"$tmp/profiler" -alg "$alg" -slots "$slots" -n "${TASKS:-20000}" -o "$tmp"
bench/profile-text.sh "$tmp" >"$out"
