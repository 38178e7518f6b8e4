"""Write the seeded rows that the benches run on: what a year-end quarter of automatic coding looks like.

predictions.parquet   N predictions over 90 days: Zipf over the sub-classes of NAF rev. 2, five candidates each, two versions
corrections.parquet   M corrections: a stratified sample of each route, with the inclusion probability it was drawn with
frames.parquet        the same predictions with their truth beside them, for peers that have no late-label join
predictions.ndjson, corrections.ndjson    with --ndjson: the same events as lines, with real texts from fixtures/streams

Ten codes of middling frequency triple from day 45 on: the drift between the two halves.
Files go to VIGIE_BENCH_DIR, by default ~/.cache/vigie/bench. See benches/requirements.txt.

usage: python benches/make_rows.py [--rows N] [--corrections M] [--seed S] [--ndjson] [--out DIR]
"""
import argparse
import csv
import json
import os
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"
DEFAULT_OUT = pathlib.Path(os.environ.get("VIGIE_BENCH_DIR") or pathlib.Path.home() / ".cache/vigie/bench")
START_MS, DAYS, DAY_MS = 1_780_272_000_000, 90, 86_400_000  # 2026-06-01T00:00:00Z
MODEL, NOMENCLATURE, THRESHOLD, AUDIT_RATE, ERROR_RATE, SWITCH_DAY = "ape-bench", "naf-rev2", 0.70, 0.05, 0.001, 60
CANDIDATES = 5
CHUNK = 100_000


def codes():
    with open(FIXTURES / "nomenclatures/naf-rev2.csv", encoding="utf-8") as f:
        return np.array([row["code"] for row in csv.DictReader(f) if len(row["code"]) == 5])


def texts():
    with pa.input_stream(str(FIXTURES / "streams/predictions.ndjson.zst"), compression="zstd") as f:
        lines = f.read().decode("utf-8", "replace").splitlines()
    found = []
    for line in lines:
        try:
            text = json.loads(line).get("text")
        except (ValueError, AttributeError):
            continue
        if isinstance(text, str) and text:
            found.append(json.dumps(text, ensure_ascii=False))
    return found


def hex_ids(rng, n):
    return np.frombuffer(rng.bytes(16 * n).hex().encode(), dtype="S32").astype("U32")


def simulate(rng, n, names):
    k = len(names)
    at = np.sort(START_MS + arrival(rng, n))
    late = at >= START_MS + DAYS // 2 * DAY_MS
    frequency = rng.permutation(1.0 / np.arange(1, k + 1))
    surge = frequency.copy()
    surge[np.argsort(-frequency)[60:70]] *= 3
    true = np.where(late, rng.choice(k, n, p=surge / surge.sum()), rng.choice(k, n, p=frequency / frequency.sum()))
    confidence = np.where(rng.random(n) < 0.64, rng.beta(14, 1.3, n), rng.beta(1.8, 2.2, n)).round(4)
    right = rng.random(n) < np.clip(0.31 + 0.66 * confidence, 0, 0.985)
    near = (true + rng.integers(1, 4, n)) % k
    anywhere = rng.choice(k, n, p=frequency / frequency.sum())
    anywhere = np.where(anywhere == true, near, anywhere)
    first = np.where(right, true, np.where(rng.random(n) < 0.5, near, anywhere))
    ranked = np.empty((n, CANDIDATES), dtype=np.int64)
    for rank, step in enumerate([0, 7, 31, 101, 211]):
        ranked[:, rank] = (first + step) % k
    second = ~right & (rng.random(n) < 0.5)  # a wrong model often has the truth on its second place
    for rank in range(2, CANDIDATES):
        same = second & (ranked[:, rank] == true)
        ranked[same, rank] = ranked[same, 1]
    ranked[second, 1] = true[second]
    p2 = (1 - confidence) * rng.uniform(0.2, 0.5, n)
    left = np.maximum(1 - confidence - 2 * p2, 0)
    probability = np.stack([confidence + p2, p2, np.minimum(left * 0.5, p2), np.minimum(left * 0.25, p2 * 0.7), np.minimum(left * 0.1, p2 * 0.5)], axis=1)
    probability = -np.sort(-probability.round(4), axis=1)
    return {
        "id": hex_ids(rng, n), "at": at, "true": true, "ranked": ranked, "probability": probability, "confidence": confidence,
        "latency": rng.lognormal(2.9, 0.55, n).round(2), "second_version": at >= START_MS + SWITCH_DAY * DAY_MS,
        "error": rng.random(n) < ERROR_RATE, "auto": confidence >= THRESHOLD,
    }


def arrival(rng, n):
    """Milliseconds since the start: weekdays and office hours carry most of the load."""
    weekday = np.array([1.2, 1.1, 1, 1, 0.9, 0.25, 0.15])[np.arange(DAYS) % 7]
    hour = np.array([1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 14, 12, 10, 12, 14, 13, 11, 8, 5, 4, 3, 3, 2, 1], dtype=float)
    day = rng.choice(DAYS, n, p=weekday / weekday.sum())
    return (day * 24 + rng.choice(24, n, p=hour / hour.sum())) * 3_600_000 + rng.integers(0, 3_600_000, n)


def review(rng, rows, m):
    """Which rows humans see: `AUDIT_RATE` of the automatic ones, of the others as many as it takes to make `m`."""
    auto, manual = np.flatnonzero(rows["auto"] & ~rows["error"]), np.flatnonzero(~rows["auto"] & ~rows["error"])
    audited = min(round(AUDIT_RATE * len(auto)), m)
    reviewed = m - audited
    if reviewed > len(manual):
        raise SystemExit(f"{m} corrections are more than this many rows can have (at most {audited + len(manual)})")
    row = np.concatenate([rng.choice(auto, audited, replace=False), rng.choice(manual, reviewed, replace=False)])
    inclusion = np.repeat([audited / len(auto), reviewed / len(manual)], [audited, reviewed])
    at = rows["at"][row] + 60_000 + rng.exponential(3 * DAY_MS, m).astype(np.int64)
    order = np.argsort(at, kind="stable")
    return {"row": row[order], "inclusion": inclusion[order], "at": at[order], "audit": (np.arange(m) < audited)[order]}


def instants(ms):
    return pa.array(ms, pa.timestamp("ms", tz="UTC"))


def prediction_table(rows, names):
    n, ok = len(rows["at"]), ~rows["error"]
    offsets = np.concatenate([[0], np.cumsum(ok * CANDIDATES)]).astype(np.int32)
    structs = pa.StructArray.from_arrays(
        [pa.array(names).take(pa.array(rows["ranked"][ok].ravel())), pa.array(rows["probability"][ok].ravel())], ["code", "probability"])
    return pa.table({
        "prediction_id": pa.array(rows["id"]),
        "model": pa.repeat(MODEL, n),
        "model_version": pa.array(np.where(rows["second_version"], "1.1.0", "1.0.0")),
        "nomenclature": pa.repeat(NOMENCLATURE, n),
        "predicted_at": instants(rows["at"]),
        "status": pa.array(np.where(ok, "ok", "error")),
        "latency_ms": pa.array(rows["latency"]),
        "candidates": pa.ListArray.from_arrays(pa.array(offsets), structs),
        "confidence": pa.array(rows["confidence"], mask=rows["error"]),
        "route": pa.array(np.where(rows["auto"], "auto", "manual"), mask=rows["error"]),
    })


def correction_table(rows, seen, names):
    ids = rows["id"][seen["row"]]
    return pa.table({
        "correction_id": pa.array(np.char.add(ids, "-1")),
        "prediction_id": pa.array(ids),
        "code": pa.array(names[rows["true"][seen["row"]]]),
        "corrected_at": instants(seen["at"]),
        "source": pa.array(np.where(seen["audit"], "audit", "gestionnaire")),
        "inclusion_probability": pa.array(seen["inclusion"]),
        "revision": pa.array(np.ones(len(ids), dtype=np.int32)),
    })


def frame_table(rows, names):
    ok = ~rows["error"]
    return pa.table({
        "predicted_at": instants(rows["at"][ok]),
        "y_true": pa.array(names[rows["true"][ok]]),
        "y_pred": pa.array(names[rows["ranked"][ok, 0]]),
        "confidence": pa.array(rows["confidence"][ok]),
    })


def rfc3339(ms):
    return np.char.add(np.datetime_as_string(np.asarray(ms, dtype="datetime64[ms]")), "Z")


def prediction_lines(out, rng, rows, names):
    pool = texts()
    with open(out, "w", encoding="utf-8") as f:
        for start in range(0, len(rows["at"]), CHUNK):
            part = slice(start, start + CHUNK)
            ranked, probability = names[rows["ranked"][part]].tolist(), rows["probability"][part].tolist()
            of = zip(rows["id"][part].tolist(), rows["second_version"][part].tolist(), rfc3339(rows["at"][part]).tolist(),
                     rows["error"][part].tolist(), rows["latency"][part].tolist(), rows["confidence"][part].tolist(),
                     rows["auto"][part].tolist(), rng.integers(0, len(pool), len(ranked)).tolist())
            lines = []
            for i, (pid, second, at, error, latency, confidence, auto, text) in enumerate(of):
                head = (f'{{"prediction_id":"{pid}","model":"{MODEL}","model_version":"{"1.1.0" if second else "1.0.0"}",'
                        f'"nomenclature":"{NOMENCLATURE}","predicted_at":"{at}","status":"{"error" if error else "ok"}","latency_ms":{latency}')
                if not error:
                    pairs = ",".join(f'{{"code":"{c}","probability":{p}}}' for c, p in zip(ranked[i], probability[i]))
                    head += f',"candidates":[{pairs}],"confidence":{confidence},"route":"{"auto" if auto else "manual"}"'
                lines.append(f'{head},"text":{pool[text]}}}\n')
            f.writelines(lines)


def correction_lines(out, rows, seen, names):
    ids, truth = rows["id"][seen["row"]].tolist(), names[rows["true"][seen["row"]]].tolist()
    with open(out, "w", encoding="utf-8") as f:
        for pid, code, at, pi, audit in zip(ids, truth, rfc3339(seen["at"]).tolist(), seen["inclusion"].tolist(), seen["audit"].tolist()):
            f.write(f'{{"correction_id":"{pid}-1","prediction_id":"{pid}","code":"{code}","corrected_at":"{at}",'
                    f'"source":"{"audit" if audit else "gestionnaire"}","inclusion_probability":{pi},"revision":1}}\n')


def main():
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("--rows", type=int, default=1_000_000)
    arg.add_argument("--corrections", type=int, help="default: 15%% of the rows")
    arg.add_argument("--seed", type=int, default=20260601)
    arg.add_argument("--ndjson", action="store_true", help="also write the events as lines")
    arg.add_argument("--out", type=pathlib.Path, default=DEFAULT_OUT)
    args = arg.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    names, rng = codes(), np.random.default_rng(args.seed)
    rows = simulate(rng, args.rows, names)
    seen = review(rng, rows, round(args.rows * 0.15) if args.corrections is None else args.corrections)
    for name, table in [("predictions", prediction_table(rows, names)), ("corrections", correction_table(rows, seen, names)),
                        ("frames", frame_table(rows, names))]:
        write(args.out / f"{name}.parquet", lambda path: pq.write_table(table, path, compression="zstd"))
    if args.ndjson:
        write(args.out / "predictions.ndjson", lambda path: prediction_lines(path, rng, rows, names))
        write(args.out / "corrections.ndjson", lambda path: correction_lines(path, rows, seen, names))
    ok = ~rows["error"]
    right = (rows["ranked"][:, 0] == rows["true"])[ok]
    drawn = rows["ranked"][seen["row"], 0] == rows["true"][seen["row"]]
    summary = {
        "seed": args.seed, "predictions": args.rows, "errors": int(rows["error"].sum()), "auto": int((rows["auto"] & ok).sum()),
        "corrections": len(seen["row"]), "codes": len(names), "true_accuracy": float(right.mean()), "naive_accuracy": float(drawn.mean()),
        "hajek_accuracy": float((drawn / seen["inclusion"]).sum() / (1 / seen["inclusion"]).sum()),
        "auto_accuracy": float(right[rows["auto"][ok]].mean()), "manual_accuracy": float(right[~rows["auto"][ok]].mean()),
    }
    write(args.out / "summary.json", lambda path: path.write_text(json.dumps(summary, indent=1) + "\n"))
    print(json.dumps(summary, indent=1))


def write(path, by):
    """A reader never finds half a file."""
    part = path.with_name(path.name + ".part")
    by(part)
    part.replace(path)


if __name__ == "__main__":
    main()
