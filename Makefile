# codestream-agent. "make help" lists the targets.

GO      ?= go
BROWSER ?=
OUT     := out

# The program needs no C library: it then starts faster and runs on any Linux.
BUILD     := CGO_ENABLED=0 $(GO) build -trimpath
LDFLAGS   := -s -w
PLATFORMS := linux/amd64 linux/arm64 darwin/arm64 windows/amd64

# What the tests against real parts need beyond Go, as Debian packages.
DOORKEEPER_PACKAGES := ruby-railties ruby-activerecord ruby-doorkeeper puma ruby-sqlite3 nginx-light
BROWSER_PACKAGES    := chromium
KEYRING_PACKAGES    := gnome-keyring dbus
NETWORK_PACKAGES    := squid tinyproxy nginx-light openssl
APT := $(if $(filter 0,$(shell id -u)),,sudo )env DEBIAN_FRONTEND=noninteractive apt-get

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## watch the whole job, start to finish (BROWSER=firefox: press the buttons yourself)
	@$(GO) run ./agent/cmd/codestream-demo -agent bin/codestream-agent$(if $(BROWSER), -browser '$(BROWSER)')

.PHONY: build
build: ## build the program into bin/
	@$(BUILD) -ldflags '$(LDFLAGS)' -o bin/ ./agent/cmd/codestream-agent

.PHONY: test
test: ## run all tests that need nothing but Go
	$(GO) test ./...

.PHONY: check
check: test check-rest ## run everything that continuous integration runs

.PHONY: check-rest
check-rest: lint generated race cover cross test-cluster test-doorkeeper test-browser test-keyring test-network bench

.PHONY: lint
lint: ## check the format, and look for mistakes
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt would change: $$unformatted"; exit 1; }
	$(GO) vet ./... ./testdata/floor ./testdata/fuzzall
	$(GO) vet -tags doorkeeper,browser,keyring,network,soak ./agent/internal/acceptance ./agent/internal/endurance
	$(GO) vet -tags cluster ./agent/internal/team/registry
	$(GO) tool staticcheck -tags doorkeeper,browser,keyring,network,soak,cluster ./...
	$(GO) mod verify

.PHONY: generate
generate: ## write the reference page anew from the Go declarations and the session scripts
	$(GO) run ./protocol/generate

.PHONY: generated
generated:
	$(GO) run ./protocol/generate -check

.PHONY: race
race: ## run the tests with the race detector
	$(GO) test -race ./...

# FUZZ='protocol|Frames' picks targets by PACKAGE.Target; FUZZPARALLEL=1 spares the machine.
FUZZ         ?= .
FUZZTIME     ?= 1m
FUZZPARALLEL ?=
.PHONY: fuzz
fuzz: ## throw hostile input at everything that reads any (FUZZTIME=1m each, FUZZ=pattern, FUZZPARALLEL=n)
	@$(GO) run ./testdata/fuzzall -time '$(FUZZTIME)' -run '$(FUZZ)'$(if $(FUZZPARALLEL), -parallel '$(FUZZPARALLEL)')

.PHONY: cover
cover: ## print how much of the agent the tests run
	@mkdir -p $(OUT)
	@$(GO) test -coverpkg=./agent,./agent/internal/auth,./agent/internal/doctor,./agent/internal/keyring,./agent/internal/relay,./agent/internal/secret,./agent/internal/sshconfig,./agent/internal/store,./agent/internal/team,./agent/internal/watch,./agent/internal/work -coverprofile=$(OUT)/agent.cover ./agent/... >$(OUT)/cover.log || { cat $(OUT)/cover.log; exit 1; }
	@$(GO) tool cover -func=$(OUT)/agent.cover | tail -n 1 | awk '{ print "statements of agent and its internals that are covered: " $$3 }'

.PHONY: cross
cross: ## build and vet for every platform
	@for platform in $(PLATFORMS); do \
		echo "build and vet $$platform"; \
		CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/} sh -c '$(GO) build -o /dev/null ./... && $(GO) vet ./...' || exit 1; \
	done

.PHONY: bench
bench: ## measure the start, against the least that a Go program can do
	$(GO) test ./agent -run '^$$' -bench Start -benchtime 100x

.PHONY: soak
soak: ## a thousand kills, and long and strange lives; ends with the figures
	@mkdir -p $(OUT)
	$(GO) test -count=1 -tags soak -timeout 20m -v ./agent/internal/endurance -run Soak -figures $(CURDIR)/$(OUT)/soak.txt
	@cat $(OUT)/soak.txt

.PHONY: test-cluster
test-cluster: ## lose servers of a registry's cluster, and let a thousand members watch one; prints the figures
	$(GO) test -count=1 -tags cluster -v ./agent/internal/team/registry -run 'Cluster|Crowd'

.PHONY: test-doorkeeper
test-doorkeeper: ## sign in through a real Doorkeeper, the OAuth server that GitLab has inside
	@ruby -e 'require "rails"; require "doorkeeper"; require "sqlite3"' 2>/dev/null && command -v puma >/dev/null && PATH=$$PATH:/usr/sbin command -v nginx >/dev/null || { $(APT) update -q && $(APT) install -q -y --no-install-recommends $(DOORKEEPER_PACKAGES); }
	$(GO) test -count=1 -tags doorkeeper ./agent/internal/acceptance

.PHONY: test-browser
test-browser: ## sign in through a real Chromium; screenshots go to out/
	@command -v chromium >/dev/null || { $(APT) update -q && $(APT) install -q -y --no-install-recommends $(BROWSER_PACKAGES); }
	$(GO) test -count=1 -tags browser ./agent/internal/acceptance

.PHONY: test-keyring
test-keyring: ## keep secrets with a real GNOME Keyring
	@command -v gnome-keyring-daemon >/dev/null && command -v dbus-daemon >/dev/null || { $(APT) update -q && $(APT) install -q -y --no-install-recommends $(KEYRING_PACKAGES); }
	$(GO) test -count=1 -tags keyring ./agent/internal/acceptance -bench Initialize -benchtime 40x

.PHONY: test-network
test-network: ## sign in through a real squid and a real nginx, and be refused by them
	@test -x /usr/sbin/squid && test -x /usr/sbin/nginx && command -v tinyproxy >/dev/null && command -v openssl >/dev/null || { $(APT) update -q && $(APT) install -q -y --no-install-recommends $(NETWORK_PACKAGES); }
	$(GO) test -count=1 -tags network ./agent/internal/acceptance
