"""What Evidently 0.7.23 takes for label drift and classification quality on the rows of make_rows.py.

It has no late-label join, so it is handed the truth of every row in a column (frames.parquet): less work than Vigie has,
which joins corrections to predictions. One process: the first half of the rows (in time) is the reference, the second
half is the present; PSI on the predicted code and the confidence, and its classification preset on both halves; one HTML.
Prints CPU seconds (user + system) of the whole process, peak memory and bytes of HTML, as one JSON object.

usage: python benches/evidently_peer.py [--frames FILE] [--html FILE] [--drift-only]
"""
import argparse
import json
import os
import pathlib
import resource
import time
import warnings

os.environ["DO_NOT_TRACK"] = "1"
warnings.filterwarnings("ignore")
BENCH = pathlib.Path(os.environ.get("VIGIE_BENCH_DIR") or pathlib.Path.home() / ".cache/vigie/bench")


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main():
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("--frames", type=pathlib.Path, default=BENCH / "frames.parquet")
    arg.add_argument("--html", type=pathlib.Path, default=BENCH / "evidently.html")
    arg.add_argument("--drift-only", action="store_true", help="leave out classification quality")
    args = arg.parse_args()
    started = time.perf_counter()

    import evidently
    import pandas as pd
    from evidently import DataDefinition, Dataset, MulticlassClassification, Report
    from evidently.presets import ClassificationPreset, DataDriftPreset

    loaded = cpu_seconds()
    rows = pd.read_parquet(args.frames, columns=["y_true", "y_pred", "confidence"])
    definition = DataDefinition(
        classification=[MulticlassClassification(target="y_true", prediction_labels="y_pred")],
        categorical_columns=["y_true", "y_pred"], numerical_columns=["confidence"])
    half = len(rows) // 2
    reference, current = (Dataset.from_pandas(part, data_definition=definition) for part in (rows.iloc[:half], rows.iloc[half:]))
    metrics = [DataDriftPreset(columns=["y_pred", "confidence"], cat_method="psi", num_method="psi")]
    if not args.drift_only:
        metrics.append(ClassificationPreset())
    report = Report(metrics).run(current, reference)
    report.save_html(str(args.html))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "peer": f"evidently {evidently.__version__}", "rows": len(rows), "drift_only": args.drift_only,
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2), "cpu_seconds_imports": round(loaded, 2),
        "wall_seconds": round(time.perf_counter() - started, 2), "peak_mb": round(used.ru_maxrss / 1024), "html_bytes": args.html.stat().st_size,
    }))


if __name__ == "__main__":
    main()
