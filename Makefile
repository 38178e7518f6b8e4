# `make` alone lists the targets. Everything but the benches and `fuzz` uses the dev profile, so that all share one compiled
# set of dependencies (minutes); `make test ARGS=name` and `make demo ARGS="--port 9000"` pass arguments on.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/vigie/target
# the same random cases in every run; another number takes others
export PROPTEST_RNG_SEED ?= 20261123
ARGS ?=
FUZZ_SECONDS ?= 600
KILLS ?= 200
STREAMS := fixtures/streams
SAMPLE := demo-data/sample-report
KAFKA_MODES := throughput latency held recovery soak

.DEFAULT_GOAL := help
.PHONY: help demo test simulate chaos lint fmt ci docs report-sample bench bench-kafka fuzz clean-data

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  compiled files: $(CARGO_TARGET_DIR) (CARGO_TARGET_DIR changes it); the first build takes minutes"

demo: ## a sample stream through the service: findings, a report, the live page
	@.ci/setup build
	cargo run --locked -- demo $(ARGS)

test: ## all tests
	@.ci/setup test
	cargo test --locked $(ARGS)

simulate: ## the tables of docs/statistics.md, seeds fixed (hours; ARGS=measure::drift runs a part)
	@.ci/setup test
	CARGO_PROFILE_DEV_OPT_LEVEL=3 VIGIE_SIMULATE=1 VIGIE_REVIEWS=3000 cargo test --locked --test it -- --nocapture --include-ignored --test-threads=1 $(or $(ARGS),measure::)

chaos: ## the fault tests at length: KILLS kills a test (about 25 minutes)
	@.ci/setup test
	VIGIE_CHAOS_KILLS=$(KILLS) cargo test --locked --test it -- --test-threads=1 kafka::faults kafka::replicas $(ARGS)

lint: ## formatting, features, clippy, doc links, licences
	@.ci/run setup fmt features clippy docs deny

fmt: ## format the sources
	cargo fmt

ci: ## all that must pass before a merge
	@.ci/run

docs: ## the API documentation as HTML
	@.ci/setup build
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --lib --no-deps
	@echo "open $(CARGO_TARGET_DIR)/doc/vigie/index.html"

report-sample: ## a report on the sample stream, into demo-data/
	@.ci/setup build
	@mkdir -p $(dir $(SAMPLE))
	cargo run --locked -- report --predictions $(STREAMS)/predictions.ndjson.zst --corrections $(STREAMS)/corrections.ndjson.zst \
		--nomenclature naf-rev2 --threshold 0.7 --time-zone Europe/Paris --out $(SAMPLE).html --json $(SAMPLE).json $(ARGS)

bench: ## criterion, and a release build against Evidently on a million rows (the build takes half an hour on 2 cores)
	@.ci/setup build
	cargo bench --locked --bench pipeline --bench measures
	cargo build --locked --release
	benches/run_paired.sh $(CARGO_TARGET_DIR)/release/vigie $(ARGS)

bench-kafka: ## the consumer on a real Kafka (half an hour of soak alone); ARGS="latency --rate 5000" runs one mode
	@.ci/setup test
	$(if $(ARGS),cargo bench --locked --bench kafka -- $(ARGS),\
	for mode in $(KAFKA_MODES); do cargo bench --locked --bench kafka -- $$mode || exit 1; done)

fuzz: ## arbitrary bytes as events, FUZZ_SECONDS long; needs nightly Rust and cargo-fuzz
	@.ci/setup build
	fuzz/run.sh $(FUZZ_SECONDS)

clean-data: ## remove what demo and report-sample left here (data/ only with DATA=data); compiled files stay
	rm -rf demo-data vigie-demo.html vigie-demo.json $(filter data,$(DATA))
	@[ ! -d data ] || echo "data/ is kept: it is where vigie serve has its journal; make clean-data DATA=data removes it"
