#!/bin/sh
# Builds the compared workers into .cache/bench. It skips those whose language is
# not installed. With the argument "faults" it builds only those of bench/faults.
set -eu
cd "$(dirname "$0")/.."
out=$PWD/.cache/bench
mkdir -p "$out"

make -s build BIN="$out/conductor-jwt-static"
go build -C bench -trimpath -ldflags '-s -w' -o "$out/conductor-go" ./peers/conductorgo
if command -v python3 >/dev/null; then
	[ -x "$out/python/bin/pip" ] || python3 -m venv "$out/python"
	"$out/python/bin/pip" install -q --disable-pip-version-check -r bench/peers/python/requirements.txt
	cp bench/peers/python/worker.py "$out/python/worker.py"
fi
[ "${1:-}" = faults ] && exit

make -s build-native NATIVE="$out/conductor-jwt"
"$out/conductor-jwt" version | grep -q openssl || {
	echo "error: bench/peers.sh: the native edition found no OpenSSL 3, which the benchmark measures" >&2
	exit 1
}
CGO_ENABLED=0 go build -C bench -trimpath -ldflags '-s -w' -o "$out/loop" ./peers/loop
CGO_ENABLED=1 go build -C bench -trimpath -ldflags '-s -w' -o "$out/loop-openssl" ./peers/loop
CGO_ENABLED=1 go build -C bench -trimpath -o "$out/compare" ./compare
# The peer of the command line, built like its releases, with symbols.
[ -x "$out/step" ] || GOBIN=$out go install github.com/smallstep/cli/cmd/step@v0.30.2
if command -v npm >/dev/null; then
	mkdir -p "$out/javascript"
	cp bench/peers/javascript/package.json bench/peers/javascript/worker.mjs "$out/javascript/"
	# Its optional peer dependencies conflict, and none is needed.
	(cd "$out/javascript" && npm install --silent --no-audit --no-fund --legacy-peer-deps --omit=optional)
fi
# The Java SDK is compiled for Java 21.
jdk=
for home in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
	if [ -x "$home/bin/javac" ] && [ "$("$home/bin/javac" -version 2>&1 | sed 's/[^0-9]*\([0-9]*\).*/\1/')" -ge 21 ]; then
		jdk=$home
	fi
done
if [ -n "$jdk" ] && command -v mvn >/dev/null; then
	mkdir -p "$out/java/classes"
	mvn -q -B -f bench/peers/java/pom.xml dependency:copy-dependencies -DoutputDirectory="$out/java/lib"
	"$jdk/bin/javac" --release 21 -proc:none -nowarn -cp "$out/java/lib/*" -d "$out/java/classes" bench/peers/java/src/main/java/Peer.java
	ln -sf "$jdk/bin/java" "$out/java/java"
fi
