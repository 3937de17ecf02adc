#!/bin/sh
# Measures `conductor-jwt sign` and the same command of step side by side: the
# time from start to end, and the size of the binaries.
#
#   bench/cli.sh [STEP]     STEP: the step binary (default: step on the PATH)
#
# step v0.30.2: go install github.com/smallstep/cli/cmd/step@v0.30.2
# Needs hyperfine and openssl. Writes bench/cli.md.
set -eu
cd "$(dirname "$0")/.."
step=${1:-step}
ours=$PWD/bin/conductor-jwt
out=$PWD/bench/cli.md

make -s build
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/rsa.pem" 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/ec.pem" 2>/dev/null

claims="--iss me --aud api --sub me --exp 4102444800"
compare() { # NAME KEY
	hyperfine -N --warmup 10 --runs 100 --export-json "$work/$1.json" \
		-n step "$step crypto jwt sign --key $work/$2 $claims" \
		-n ours "$ours sign --key $work/$2 $claims" >/dev/null 2>&1
}
compare RS256 rsa.pem
compare ES256 ec.pem

mean() { # FILE INDEX
	awk -v n="$2" '/"median"/ { if (i++ == n) { gsub(/[^0-9.e-]/, "", $2); printf "%.1f", $2 * 1000 } }' "$work/$1.json"
}
row() { # NAME
	s=$(mean "$1" 0)
	o=$(mean "$1" 1)
	awk -v n="$1" -v s="$s" -v o="$o" 'BEGIN { printf "| sign %s, median of 100 | %s ms | %s ms | %.0f %% |\n", n, s, o, o / s * 100 }'
}
size() { wc -c <"$1" | tr -d ' '; }
cp "$(command -v "$step")" "$work/step"
strip "$work/step" 2>/dev/null || true
shipped=$(size "$(command -v "$step")")
stripped=$(size "$work/step")
mine=$(size "$ours")
mb() { awk -v n="$1" 'BEGIN { printf "%.1f MB", n / 1e6 }'; }
share() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.0f %%", a / b * 100 }'; }

{
	echo "# sign beside step"
	echo
	echo "Written by \`bench/cli.sh\` on $(date -u +%Y-%m-%d), $(uname -sm), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)."
	echo "step is $(go version -m "$(command -v "$step")" | awk '$1 == "mod" { print $2, $3 }'), ours \`$("$ours" version)\`."
	echo
	echo "| | step | conductor-jwt | share |"
	echo "|---|---|---|---|"
	row RS256
	row ES256
	echo "| binary as shipped | $(mb "$shipped") | $(mb "$mine") | $(share "$mine" "$shipped") |"
	echo "| binary without symbols | $(mb "$stripped") | $(mb "$mine") | $(share "$mine" "$stripped") |"
	echo
	echo "The figure to reach is a third. step ships with its symbols; ours, which is the worker too, ships without."
} >"$out"
cat "$out"
