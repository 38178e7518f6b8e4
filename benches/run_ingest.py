"""How fast `vigie ingest` brings events into a store (journal with an fsync every 4 MB, atomic commits), and whether its
memory grows with the stream: a first run, then one with ten times the events, each into a new directory.

usage: python benches/run_ingest.py [BINARY] [EVENTS]      EVENTS of the short run, default 300000
Rows are those of make_rows.py, made on first use; ids are made new for every copy.
"""
import os, pathlib, shutil, subprocess, sys, tempfile, time

bench = pathlib.Path(os.environ.get("VIGIE_BENCH_DIR") or pathlib.Path.home() / ".cache/vigie/bench")
target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or pathlib.Path.home() / ".cache/vigie/target")
binary = sys.argv[1] if len(sys.argv) > 1 else target / "release/vigie"
short = int(sys.argv[2]) if len(sys.argv) > 2 else 300_000


def rows(wanted):
    """Lines of the million, again and again, with another first letter of the id each time. Read as they are needed:
    a large parent would count as memory of the child that it forks."""
    at = len(b'{"prediction_id":"')
    for letter in b"ghijklmnopqrstuvwxyz":
        with open(bench / "predictions.ndjson", "rb") as lines:
            for line in lines:
                if wanted == 0:
                    return
                wanted -= 1
                yield line[:at] + bytes([letter]) + line[at + 1:]


def run(wanted):
    with tempfile.TemporaryDirectory(prefix="vigie-bench-") as work:
        feed = pathlib.Path(work) / "events.ndjson"
        with open(feed, "wb") as f:
            f.writelines(rows(wanted))
        started = time.perf_counter()
        child = subprocess.Popen([str(binary), "ingest", "--data", f"{work}/data", "--predictions", str(feed)],
                                 stderr=subprocess.PIPE)
        said = child.stderr.read().decode()
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        if status:
            sys.exit(f"vigie ingest failed: {said}")
        disk = sum(p.stat().st_size for p in pathlib.Path(work, "data").rglob("*") if p.is_file())
        cpu = used.ru_utime + used.ru_stime
        print(f"{wanted:>9} events: {wanted / wall:>9.0f} a second, {1e6 * cpu / wanted:.1f} CPU-µs each, "
              f"peak {used.ru_maxrss / 1024:.0f} MB, {disk / wanted:.0f} bytes on disk each", flush=True)


if not (bench / "predictions.ndjson").exists():
    here = pathlib.Path(__file__).resolve().parent
    python = subprocess.run([str(here / "python.sh")], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    subprocess.run([python, str(here / "make_rows.py"), "--ndjson"], check=True)
run(short)
run(10 * short)
