#!/bin/sh
# Fuzzes the decoding of events for a while, starting from the hostile lines of the fixtures.
#
# usage: fuzz/run.sh [SECONDS] [TARGET]      defaults: 600 decode; the other target is insee
# Needs: rustup toolchain install nightly; cargo install --locked cargo-fuzz. What it finds lies in fuzz/artifacts.
set -eu
cd "$(dirname "$0")"
seconds=${1:-600} target=${2:-decode}
cargo +nightly fuzz --version >/dev/null 2>&1 || {
    echo "fuzz: needs nightly Rust and cargo-fuzz:" >&2
    echo "  rustup toolchain install nightly && cargo install --locked cargo-fuzz" >&2
    exit 2
}

corpus=corpus/$target
if [ ! -d "$corpus" ]; then
    mkdir -p "$corpus"
    for file in ../fixtures/edge/hostile.ndjson ../fixtures/edge/insee-*; do
        split --lines=1 --suffix-length=4 "$file" "$corpus/$(basename "${file%.*}")-"
    done
    find "$corpus" -size +16k -delete # a line past every limit is slow to mutate and tells nothing new
    if command -v zstd >/dev/null; then
        for kind in predictions corrections; do
            zstd -dcq "../fixtures/streams/$kind.ndjson.zst" 2>/dev/null | head -n 100 | split --lines=1 --suffix-length=4 - "$corpus/$kind-"
        done
    fi
fi
exec cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -max_len=8192 -dict="$target.dict" -print_final_stats=1
