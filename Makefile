# `make` lists the targets.
export GOTOOLCHAIN := auto

GO        ?= go
BIN       := bin/conductor-jwt
NATIVE    := bin/conductor-jwt-native
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The commit, where git cannot tell it: in a build of the image.
COMMIT    ?=
LDFLAGS   := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
FUZZTIME  ?= 5s
KEEP      ?=
ARGS      ?=
PKG       ?= ./signer
N         ?= 60
SEED      ?= 1
JOBS      ?= 2
WIDER     ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/conductor-jwt, the static edition, without cgo
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) .

.PHONY: build-native
build-native: ## build bin/conductor-jwt-native, with cgo: OpenSSL 3 for RSA, and PKCS#11
	CGO_ENABLED=1 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(NATIVE) .

# docker, podman or buildah.
BUILDER   ?= docker

.PHONY: image
image: ## build the container image conductor-jwt (BUILDER=podman or buildah; ARGS='--target static')
	$(BUILDER) build -t conductor-jwt --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(shell git rev-parse HEAD) $(ARGS) .

.PHONY: demo
demo: build ## run a GET_SIGNED_JWT workflow on the real Conductor server (KEEP=1 keeps it running, SERVER=VERSION selects a release)
	@$(GO) build -o bin/demo ./internal/demo
	@WORKER=$(BIN) KEEP='$(KEEP)' exec bin/demo

# The picture leaves out steps in progress, most of the token, its header, and the end.
.PHONY: demo-picture
demo-picture: build ## run the demo and draw its output as docs/demo.svg
	@mkdir -p .cache
	CLICOLOR_FORCE=1 $(MAKE) --no-print-directory -s demo >.cache/demo-all.txt
	@{ printf '\033[2m$$\033[0m \033[1mmake demo\033[0m\n\n'; awk '/stopping$$/ { exit } /^.\[2m/ && !/✓/ { next } /^.\[1mtoken/ { n = 1 } /^.\[1mheader/ { n = 9 } /^.\[1mclaims/ { n = 0 } \
		n && n++ > 3 { if (n == 5) print "  …\n"; next } { print }' .cache/demo-all.txt; } >.cache/demo.txt
	$(GO) run github.com/charmbracelet/freeze@v0.2.2 --language ansi --output docs/demo.svg --background '#151b23' --padding 18 --border.radius 8 \
		--font.family "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" .cache/demo.txt </dev/null

.PHONY: man
man: ## write the manual pages to dist/man/man1
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || date +%s) $(GO) run ./internal/manpage dist/man/man1

.PHONY: test
test: ## all tests: unit, scripts, and integration on the real server
	.ci/softhsm
	$(GO) test -race -timeout 30m ./...
	cd bench && $(GO) test -race -timeout 30m ./...
	@# -race needs cgo, so the above is the native edition; this is the static one.
	CGO_ENABLED=0 $(GO) test ./keys/... ./task ./cli

.PHONY: pages
pages: ## write the generated pages and goldens anew
	$(GO) test ./config ./provider ./task ./worker ./cli -run 'Page|Schema|Metrics|Refused' -update
	$(GO) test ./test/tree -run Architecture -update

.PHONY: deploy-check
deploy-check: ## check deploy/ with Helm, Kubernetes, Prometheus and Compose
	cd deploy/check && $(GO) test ./...

.PHONY: test-vault
test-vault: ## build a real Vault and run the tests of keys/vault with it
	@mkdir -p .cache
	cd test/realvault && CGO_ENABLED=0 $(GO) build -o ../../.cache/realvault .
	.cache/realvault $(GO) test -race -count=1 ./keys/vault

.PHONY: test-image
test-image: ## build both container images and run them without root, capabilities or a writable disk, with 64 MB
	.ci/test-image

.PHONY: test-kubernetes
test-kubernetes: ## apply chart and manifest to a real Kubernetes API server; it is compiled, which takes minutes once
	@command -v etcd >/dev/null || { echo "error: no etcd" >&2; echo "hint: apt-get install etcd-server" >&2; exit 1; }
	@mkdir -p .cache
	cd test/kubernetes && CGO_ENABLED=0 $(GO) build -p 2 -trimpath -ldflags '-s -w' -o ../../.cache/kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
	@# Without a package, go test shows the steps.
	cd deploy/check && $(GO) test -tags kubernetes -run TestKubernetes -count=1
	@echo "test-kubernetes: passed"

.PHONY: unit
unit: ## the tests that need no server
	.ci/softhsm
	$(GO) test $$($(GO) list ./... | grep -v /test/integration)

# Without packages that run other programs (the server, the peers), whose clocks do not change.
# They run without -race, which hides some timing errors.
CLOCK     ?= 2037-01-01
CLOCKED    = $$($(GO) list ./... | grep -Ev '/test/(integration|interop|reliability.*|tree)$$')

.PHONY: test-clock
test-clock: ## run the tests as if today were CLOCK (2037-01-01)
	.ci/clock $(CLOCK) $(CLOCKED)

.PHONY: lint
lint: ## check style, imports, dead code and exported names
	@mkdir -p .cache
	cd tools && $(GO) build -o ../.cache/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	.cache/golangci-lint run ./...
	CGO_ENABLED=0 .cache/golangci-lint run ./keys/openssl ./cli
	cd bench && ../.cache/golangci-lint run ./...
	cd tools && $(GO) build -o ../.cache/deadcode golang.org/x/tools/cmd/deadcode
	@# A function is dead if it is dead in both editions.
	@set -e; for cgo in 0 1; do CGO_ENABLED=$$cgo .cache/deadcode . ./internal/manpage >.cache/dead.txt; LC_ALL=C sort .cache/dead.txt >.cache/dead.$$cgo.txt; done
	@LC_ALL=C comm -12 .cache/dead.0.txt .cache/dead.1.txt >.cache/dead.txt; \
	if [ -s .cache/dead.txt ]; then cat .cache/dead.txt >&2; echo "error: these functions are not used" >&2; exit 1; fi
	cd tools && $(GO) build -o ../.cache/exports ./exports
	.cache/exports

.PHONY: fmt
fmt: ## format the code
	@mkdir -p .cache
	cd tools && $(GO) build -o ../.cache/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	.cache/golangci-lint fmt ./...
	cd bench && ../.cache/golangci-lint fmt ./...

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (5s)
	@set -e; for pkg in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$pkg/*_test.go | cut -c6- | sort -u); do \
			echo "fuzz $$pkg $$f"; \
			$(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$pkg; \
		done; \
	done

.PHONY: mutation
mutation: ## change one thing at a time in PKG and list the changes that its tests do not detect (N=60 SEED=1 JOBS=2 WIDER=./cli)
	@mkdir -p .cache
	@cd tools && $(GO) build -o ../.cache/mutation ./mutation
	@.cache/mutation -n $(N) -seed $(SEED) -jobs $(JOBS) -wider '$(WIDER)' $(PKG)

.PHONY: vuln
vuln: ## check the linked packages for known vulnerabilities
	@mkdir -p .cache
	cd tools && $(GO) build -o ../.cache/govulncheck golang.org/x/vuln/cmd/govulncheck
	.cache/govulncheck ./...

# bench is a separate module: its programs are built there and run here.
.cache/bench/%: FORCE
	cd bench && $(GO) build -trimpath -o ../$@ ./$*

.PHONY: FORCE
FORCE:

.PHONY: bench
bench: ## compare with the workers of the SDKs on a stub server, 25 minutes, into docs/evidence/performance.md and docs/evidence/sizing.md
	bench/peers.sh
	.cache/bench/compare -fresh

.PHONY: bench-quick
bench-quick: ## the main figures once, 3 minutes, into .cache/bench/quick
	bench/peers.sh
	@mkdir -p .cache/bench/quick
	.cache/bench/compare -quick -fresh -o .cache/bench/quick/results.jsonl -docs .cache/bench/quick

.PHONY: bench-compare
bench-compare: ## run the Go benchmarks and compare them with bench/baseline.txt
	bench/go.sh >.cache/bench.txt
	cd tools && $(GO) tool benchstat ../bench/baseline.txt ../.cache/bench.txt

.PHONY: bench-server
bench-server: .cache/bench/server ## compare with the workers of the SDKs on the real server, SQLite and PostgreSQL, fifty minutes, into docs/evidence/performance.md and docs/evidence/sizing.md
	bench/peers.sh
	.cache/bench/server $(or $(ARGS),-fresh)

.PHONY: release
release: ## build the archives of a release, with checksums and bills of materials, into dist/
	.ci/release $(VERSION)

.PHONY: bench-faults
bench-faults: .cache/bench/faults ## run the workers of the SDKs through the failure matrix, 10 minutes, and write docs/evidence/reliability.md
	bench/peers.sh faults
	.cache/bench/faults -docs docs/evidence/reliability.md $(ARGS)

.PHONY: soak
soak: .cache/bench/soak ## run the worker under faults for 10 minutes (ARGS='-for 30m -seed 7'), into .cache/soak
	.cache/bench/soak $(ARGS)

.PHONY: clean
clean: ## remove build output and caches
	rm -rf bin .cache dist
