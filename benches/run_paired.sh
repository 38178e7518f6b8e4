#!/bin/sh
# Runs `vigie report` and Evidently in turn on the same rows; prints CPU seconds, peak memory, bytes of HTML and their ratios.
#
# usage: benches/run_paired.sh [BINARY] [ROUNDS]
#   BINARY   a release build; default $CARGO_TARGET_DIR/release/vigie
#   ROUNDS   default 1; with more, medians are compared
# Rows and the Python environment are made on first use, below $VIGIE_BENCH_DIR (default ~/.cache/vigie/bench).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export VIGIE_BENCH_DIR="${VIGIE_BENCH_DIR:-$HOME/.cache/vigie/bench}"
binary=${1:-${CARGO_TARGET_DIR:-$HOME/.cache/vigie/target}/release/vigie}
rounds=${2:-1}
[ -x "$binary" ] || { echo "run_paired: $binary is not there; build it with: cargo build --release" >&2; exit 2; }

python=$("$here/python.sh")
[ -f "$VIGIE_BENCH_DIR/summary.json" ] || "$python" "$here/make_rows.py" >&2

exec "$python" - "$binary" "$rounds" "$here/evidently_peer.py" "$VIGIE_BENCH_DIR" <<'PY'
import json, os, pathlib, statistics, subprocess, sys, time

binary, rounds, peer, bench = sys.argv[1], int(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4])
summary = json.loads((bench / "summary.json").read_text())
# both judge quality on all rows and drift between the first and the second half, which is what either does unless told
html = {"vigie": bench / "vigie.html", "evidently": bench / "evidently.html"}
command = {
    "vigie": [binary, "report", "--predictions", bench / "predictions.parquet", "--corrections", bench / "corrections.parquet",
              "--out", html["vigie"], "--json", bench / "vigie.json"],
    "evidently": [sys.executable, peer, "--html", html["evidently"]],
}

def measured(name):
    started = time.perf_counter()
    with open(bench / f"{name}.log", "wb") as log:
        child = subprocess.Popen([str(part) for part in command[name]], stdout=log, stderr=log)
        _, status, used = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):  # 1 and 3 are verdicts, not failures
        sys.exit(f"run_paired: {name} failed; see {bench / name}.log")
    return {"cpu_s": used.ru_utime + used.ru_stime, "wall_s": time.perf_counter() - started,
            "peak_mb": used.ru_maxrss / 1024, "html_mb": html[name].stat().st_size / 1e6}

taken = {name: [] for name in command}
for turn in range(rounds):
    for name in command:
        taken[name].append(measured(name))
middle = {name: {k: statistics.median(run[k] for run in runs) for k in runs[0]} for name, runs in taken.items()}
print(f"{summary['predictions']} predictions, {summary['corrections']} corrections, median of {rounds}")
print(f"{'':10} {'vigie':>10} {'evidently':>10} {'ratio':>8}")
for key in ("cpu_s", "wall_s", "peak_mb", "html_mb"):
    ours, theirs = middle["vigie"][key], middle["evidently"][key]
    print(f"{key:10} {ours:10.2f} {theirs:10.2f} {theirs / ours:7.1f}x")
print("target: cpu_s at least 25x:", "met" if middle["evidently"]["cpu_s"] >= 25 * middle["vigie"]["cpu_s"] else "MISSED")
PY
