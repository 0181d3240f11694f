"""Cost of a whole analysis: seconds by stage, processor seconds and peak memory, of one minute against an hour.

    python benchmarks/bench_analyze.py                          1 and 60 minutes, a sampled frame every 2 s
    python benchmarks/bench_analyze.py --minutes 1 10 --fps 2 --size 1280 720
    python benchmarks/bench_analyze.py --minutes 1 --rate 30 --fps 2 --size 1280 720 --face-rate 30
    python benchmarks/bench_analyze.py --minutes 180 --rate 30 --fps 2 --size 1280 720 --face-rate 30 --sound with

Each recording is analysed by `fer-phq analyze --json` in a fresh process, without sound and with a separate file of
speech-like sound, or one of both. Memory is the largest sum over that process and its decoders, in which a page that
several share counts once (PSS).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench_decode import recording  # noqa: E402
from sounds import talk, write_wav  # noqa: E402

from benchmarks.peers.processes import run_tree  # noqa: E402
from fer_phq.pipeline.timing import STAGES  # noqa: E402

HEADS = ("recording", "sampled frames", "peak memory", "processor", "waiting for frames", *STAGES[1:])


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description="Measure whole analyses.")
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 60])
    parser.add_argument("--fps", type=float, default=0.5)
    parser.add_argument("--size", type=int, nargs=2, default=[640, 360], help="width and height in pixels")
    parser.add_argument("--rate", type=int, default=24, help="pictures a second of the recording")
    parser.add_argument("--face-rate", type=float, default=0, help="frames a second in which the mesh is followed")
    parser.add_argument("--sound", choices=["with", "without", "both"], default="both")
    options = parser.parse_args()
    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}")
    with tempfile.TemporaryDirectory() as folder:
        for minutes in options.minutes:
            width, height = options.size
            own = {"fps": options.rate, "gop": 2 * options.rate}
            path = recording(Path(folder), minutes=minutes, size=(width, height), options=own)
            silent = [None] if options.sound != "with" else []
            sounds = [make_sound(Path(folder) / "sound.wav", minutes)] if options.sound != "without" else []
            for sound in [*silent, *sounds]:
                name = f"{minutes} min of {width}x{height}, {'silent' if sound is None else 'with sound'}"
                print(f"| {name} | {measure(path, sound, options.fps, options.face_rate)} |", flush=True)


def make_sound(path: Path, minutes: int) -> Path:
    """Write sound of a length, a minute of turns and pauses repeated, and return its file.

    Args:
        path: The file.
        minutes: The length.
    """
    minute, *_ = talk(150.0, 60.0)
    return write_wav(path, np.tile(minute.astype(np.float32), minutes))


def measure(path: Path, sound: Path | None, fps: float, face_rate: float) -> str:
    """Analyse a recording; returns the rest of its row.

    Args:
        path: The recording.
        sound: Sound that was recorded separately; None for none.
        fps: Frames a second that are sampled.
        face_rate: Frames a second in which the mesh is followed; 0 for none.
    """
    command = [sys.executable, "-P", "-m", "service.cli", "analyze", str(path), "--json", "--fps", str(fps)]
    command += ["--face-rate", str(face_rate)]
    if sound is not None:
        command += ["--audio", str(sound)]
    run = run_tree(command, variables=os.environ | {"PYTHONPATH": str(ROOT)})
    if run.code:
        raise SystemExit(run.error)
    document = json.loads(run.output)
    stages = [f"{document['timing'][stage]:.1f} s" for stage in STAGES]
    frames = str(document["sampling"]["frames_sampled"])
    return " | ".join([frames, f"{run.peak_mb:.0f} MB", f"{run.cpu_s:.1f} s", *stages])


if __name__ == "__main__":
    main()
