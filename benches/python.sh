#!/bin/sh
# Prints the Python that has what the benches import (requirements.txt), making its environment on first use, below
# $VIGIE_BENCH_DIR (default ~/.cache/vigie/bench).
set -eu
bench="${VIGIE_BENCH_DIR:-$HOME/.cache/vigie/bench}"
python="$bench/venv/bin/python"
if ! "$python" -c 'import evidently, numpy, pyarrow' 2>/dev/null; then
    echo "benches: preparing $bench/venv" >&2
    mkdir -p "$bench"
    python3 -m venv "$bench/venv" >&2
    "$python" -m pip install --quiet -r "$(dirname "$0")/requirements.txt" >&2
fi
echo "$python"
