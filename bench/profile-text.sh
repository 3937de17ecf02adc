#!/bin/sh
# Prints the profiles that bench/profiler has left in a folder as text.
set -eu
echo "# CPU, by what is called"
go tool pprof -top -cum -nodecount=60 "$1/profiler" "$1/cpu.prof" 2>/dev/null | grep -v '^File\|^Build ID\|^Time'
echo
echo "# allocated bytes, by who allocates"
go tool pprof -sample_index=alloc_space -top -nodecount=40 "$1/profiler" "$1/allocs.prof" 2>/dev/null | grep -v '^File\|^Build ID\|^Time'
