"""Cost of a whole analysis: seconds by stage, and peak memory of one minute against an hour.

    python benchmarks/bench_analyze.py                     1 and 60 minutes, a sampled frame every 2 s
    python benchmarks/bench_analyze.py --minutes 1 10 --fps 2

Each recording is analysed by `fer-phq analyze --json` in a fresh process; memory is the largest resident set of that
process as the operating system counts it (its decoder child is measured by `bench_decode.py memory`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench_decode import recording  # noqa: E402

from fer_phq.pipeline.timing import STAGES  # noqa: E402

RUNNER = """
import resource, runpy, sys
sys.argv = ["fer-phq", *sys.argv[1:]]
try:
    runpy.run_module("service.cli", run_name="__main__")
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description="Measure whole analyses.")
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 60])
    parser.add_argument("--fps", type=float, default=0.5)
    options = parser.parse_args()
    print("| recording | sampled frames | peak memory | waiting for frames | detect | embed | heads | listen |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for minutes in options.minutes:
            path = recording(Path(folder), minutes=minutes, size=(640, 360))
            command = [sys.executable, "-c", RUNNER, "analyze", str(path), "--json", "--fps", str(options.fps)]
            env = os.environ | {"PYTHONPATH": str(ROOT)}
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
            document = json.loads(done.stdout)
            peak = int(done.stderr.splitlines()[-1])
            stages = " | ".join(f"{document['timing'][stage]:.1f} s" for stage in STAGES)
            frames = document["sampling"]["frames_sampled"]
            print(f"| {minutes} min of 640x360 | {frames} | {peak} MB | {stages} |", flush=True)


if __name__ == "__main__":
    main()
