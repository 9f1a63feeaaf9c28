# shakedown: see README.md. The targets are public interface.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X main.version=$(VERSION)
PREFIX  ?= /usr/local
FUZZTIME ?= 30s
PLATFORMS ?= linux/amd64 linux/arm64
TOOLS    = $(CURDIR)/bin/tools

.PHONY: build demo test lint fuzz bench truth truth-random equalwork peers scale install release needs

build:
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/shakedown ./cmd/shakedown

# Real servers on loopback, scanned and measured, with a report to look at.
demo:
	@bench/lab/install.sh
	@$(MAKE) --no-print-directory build
	@bench/lab/demo.sh bin/shakedown results/demo

# Every test, on real servers, with the race detector.
test: needs
	@go -C .ci build -o $(TOOLS)/total ./total
	@go test -race -json ./... | $(TOOLS)/total

needs:
	@bench/lab/install.sh chromium gcc apache2 gnutls-bin openssl iproute2 postgresql prometheus python3 \
	  exim4-daemon-light dovecot-imapd dovecot-pop3d slapd mariadb-server microsocks dante-server strace systemd tinyproxy

# The scan beside what every TLS server of Debian says of itself.
truth: build
	@bench/lab/install.sh $$(go run ./bench/lab/stacks/truth -packages)
	@go build -o bin/tools/truth ./bench/lab/stacks/truth
	@bin/tools/truth -binary bin/shakedown -table bench/lab/stacks/TRUTH.md

# The scan beside N servers with configurations that SEED draws.
SEED ?= 1
N    ?= 20
truth-random: build
	@bench/lab/install.sh gnutls-bin openssl
	@go build -o bin/tools/truth ./bench/lab/stacks/truth
	@bin/tools/truth -binary bin/shakedown -random $(N) -seed $(SEED)

# The scan beside other scanners, near and at a distance; needs root. PEERS has
# further flags: -quick to try it out, -many 10000, -help for all.
peers: build
	@bench/lab/install.sh $$(go run ./bench/lab/stacks/peers -packages)
	@go build -o bin/tools/peers ./bench/lab/stacks/peers
	@bin/tools/peers -binary bin/shakedown -table bench/lab/stacks/PEERS.md $(PEERS)

# What a sweep of ENDPOINTS takes, a third of them dead: wall, CPU, memory.
ENDPOINTS ?= 10000
scale: build
	@bench/lab/install.sh
	go test ./cmd/shakedown -run SweepAtScale -v -timeout 3h -endpoints $(ENDPOINTS) -exchange 5s -binary $(CURDIR)/bin/shakedown

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'not formatted: run gofmt -w on these'; exit 1; }
	go vet ./...
	@GOBIN=$(TOOLS) go -C .ci install honnef.co/go/tools/cmd/staticcheck golang.org/x/vuln/cmd/govulncheck
	$(TOOLS)/staticcheck ./...
	@.ci/vulnerabilities $(TOOLS)/govulncheck

# Every fuzz target for FUZZTIME.
fuzz:
	@for p in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
	  done; \
	done

# The project's own benchmarks: ratios against a peer in the same run.
bench:
	@bench/lab/install.sh nghttp2-client openssl
	go test -run '^$$' -bench . -benchmem ./...

# What the lean client costs a server beside a stock one, before five TLS stacks.
equalwork:
	@bench/lab/install.sh iproute2 gnutls-bin openjdk-17-jdk-headless openssl
	@go build -o bin/tools/equalwork ./bench/lab/equalwork
	@bin/tools/equalwork -table bench/lab/equalwork/EQUALWORK.md

install: build
	install -D -m 755 bin/shakedown $(DESTDIR)$(PREFIX)/bin/shakedown
	bin/shakedown man $(DESTDIR)$(PREFIX)/share/man/man1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	bin/shakedown completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/shakedown
	bin/shakedown completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_shakedown
	bin/shakedown completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/shakedown.fish

# Static builds, stamped, with their checksums. (zcrypto does not build for darwin/arm64.)
release:
	@rm -rf bin/release && mkdir -p bin/release
	@for p in $(PLATFORMS); do \
	  os=$${p%/*} arch=$${p#*/}; echo "shakedown-$(VERSION)-$$os-$$arch"; \
	  CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -trimpath -ldflags '$(LDFLAGS)' \
	    -o bin/release/shakedown-$(VERSION)-$$os-$$arch ./cmd/shakedown || exit 1; \
	done
	@cd bin/release && sha256sum shakedown-* > SHA256SUMS && cat SHA256SUMS
