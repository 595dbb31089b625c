# make demo   shows real attacks being banned and unbanned        make test   runs every test
# Both do all their own set-up. make check: format, lint, types, unused code, tests; and what bench-quick measures, which fails nothing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# A file that hangs fails after ten minutes, the slowest take one.
RUN_TESTS = node --test --test-timeout=600000 \
	--test-reporter=tap --test-reporter-destination=stdout \
	--test-reporter=./scripts/failures.js --test-reporter-destination=stderr \
	$$(find dist/test -name "*.test.js" -not -path "*/live/*" | sort)

.PHONY: all build demo test lint check conformance hostile worst bench bench-quick format tools rules-live red soak fuzz bench-exec fuzz-exec kill-exec kill-stream kill-tail sshd-matrix clean

all: build

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

build: node_modules/.package-lock.json
	rm -rf dist
	npm run --silent build
	chmod +x dist/bin/*.js

demo: build
	bash examples/demo.sh

test: build tools
	$(RUN_TESTS)

# The unit tests on another release of Node, which npm brings: make test-node22 test-node24.
test-node%: build dist-node/%/node_modules/node/bin/node
	dist-node/$*/node_modules/node/bin/node --test --test-timeout=600000 --test-reporter=dot \
		--test-reporter-destination=stdout --test-reporter=./scripts/failures.js --test-reporter-destination=stderr \
		$$(find dist/test -name "*.test.js" $(addprefix -not -path ,"*/live/*" "*/system/*" $(SLOW)) | sort)

# Those that take longest, and depend least on the release of Node.
SLOW = "*/fuzz.test.js" "*/worst.test.js" "*/recheck.test.js" "*/prefilter.test.js" "*/control-hostile.test.js" "*/regex.test.js"

.PRECIOUS: dist-node/%/node_modules/node/bin/node
dist-node/%/node_modules/node/bin/node:
	npm install --prefix dist-node/$* --no-save --no-audit --no-fund --silent node@$*

# Format, lint, unused code, and which folder imports which.
lint: build
	npx --no-install biome check .
	npx --no-install knip
	node scripts/import-order.js

check: lint test
	-bash bench/install-peers.sh && node dist/bench/run.js --quick

# Our verdicts against fail2ban's, line by line, where ../shared/conformance is.
conformance: build
	node dist/test/conformance.js

# Lines made to hurt or mislead each pattern, ours and those of ../shared/conformance, and what the slowest of them cost: minutes.
hostile: build
	node dist/test/hostile.js

# The line that costs most CPU, for each bundled rule and for ten of fail2ban's: ten minutes each, two at a time.
# F2B_WORST_MINUTES, F2B_WORST_RULES ("sshd; fail2ban: exim"), F2B_WORST_SEED and F2B_WORST_LINES (a folder for the lines): see test/worst.ts.
worst: build
	nice node dist/test/worst.js

# f2b-stream and its peers side by side, and the figures that docs/PERFORMANCE.md promises: eleven minutes on a quiet machine.
# `make -s bench > table.md`; BENCH="mixed flood" picks some; the logs take 4 GB under F2B_BENCH_DIR, or /tmp.
bench: build
	bash bench/install-peers.sh
	node dist/bench/run.js $(BENCH)

# The same with small logs, to see that it runs: under a minute, and judges nothing.
bench-quick: build
	bash bench/install-peers.sh
	node dist/bench/run.js --quick $(BENCH)

# The real daemons, each on a machine of its own: do they write what the bundled rules are made for, and who can write into their logs?
# A file a service in test/live. Needs root.
rules-live: build tools
	node --test --test-timeout=600000 dist/test/live/*.test.js

# 2,000 hostile texts in each field that clients of each real daemon can write, and whom they get banned; needs root. F2B_RED="nginx sshd" picks
# daemons, F2B_RED_FIELDS="USER|path" fields, F2B_RED_TEXTS=100 fewer texts. `make -s red > table.md`; docs/RED.md.
red: build tools
	node --test-reporter=tap --test-reporter-destination=/dev/null dist/test/red.js

# 20 million lines of 2 million addresses: what memory f2b-stream takes, a row a million lines, in a replay and live. Five minutes.
soak: build
	node dist/bench/soak.js replay
	node dist/bench/soak.js live

# Ten million hostile lines for f2b-stream, guided by what code they reach: half an hour and more. F2B_FUZZ_SEED takes others.
# FUZZ="journal fail2ban yaml commands control tagged states" feeds what takes those instead, F2B_FUZZ_MINUTES (30) each.
fuzz: build
	node dist/test/fuzz.js $(FUZZ)

# f2b-exec's speed beside one command an address; its fuzzer and its kill harness at full size. Need root.
bench-exec: build tools
	node dist/bench/exec.js
	node dist/bench/bound.js
fuzz-exec: build tools
	F2B_FUZZ_LINES=100000 node --test dist/test/system/exec-fuzz.test.js
kill-exec: build tools
	F2B_KILLS=200 node --test dist/test/system/exec-kill.test.js

# The whole pipeline on a log that grows, killed 500 times: seven minutes. F2B_SEED repeats who attacks when. Needs root.
kill-stream: build tools
	F2B_KILLS=500 node --test dist/test/system/stream-kill.test.js

# f2b-tail on logs that are rotated 1,000 times, by renaming and by copying, while it is killed and started again: six minutes.
kill-tail: build
	F2B_ROTATIONS=1000 node --test dist/test/tail/kill.test.js

# Debian's sshd in every combination of its options, with clients that guess, at all of them: what each guess counts, here and in fail2ban. A table
# of some thousand lines; a quarter of an hour, needs root.
sshd-matrix: build tools
	F2B_SSHD_MATRIX=all F2B_SSHD_TABLE=dist/sshd-matrix.md node --test dist/test/system/sshd-matrix.test.js
	cat dist/sshd-matrix.md

format: node_modules/.package-lock.json
	npx --no-install biome check --write .

# The real daemons and the real kernel that the system tests need. Without root the tests that miss one say so.
tools:
	@bash test/system/install-tools.sh

clean:
	rm -rf dist dist-* coverage
