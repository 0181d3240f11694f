r"""A bundle in 8-bit integers beside the same in 32-bit floats: speed, size, memory, robustness, PHQ estimates.

    python -m training.emotion.quantization COPY --root DATA          # COPY: a copy of the bundle in floats
    python benchmarks/bench_precision.py BUNDLE COPY [RECORDING...] [--faces ferplus:DATA/ferplus/valid.parquet]

Speed is processor time of one thread, in turns. What a session's estimate changes by is measured with the heads of the
first bundle, which are given the embeddings of the second as if they were of their own kind: the product refuses that.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_phq.core.analysis import Settings
from fer_phq.core.phq import PhqEstimate
from fer_phq.models.checkpoint import RUNTIME, read_bundle
from fer_phq.models.model import FerPhqModel, load_model
from fer_phq.pipeline.session import analyze, with_estimate
from fer_phq.runtime.sessions import read_session
from training.emotion.data.corpora import load_faces, parse_source
from training.emotion.quantization.comparison import difference_interval
from training.emotion.robustness import CHUNK, CORRUPTIONS, STRENGTHS, SUMMARY_STRENGTH, make_generator

ROUNDS = 40
BATCH = 4

MEMORY = """
import sys
from fer_phq.runtime.sessions import read_session
import numpy as np

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

before = resident()
session = read_session(open(sys.argv[1], "rb").read(), threads=1)
shape = [4, *session.get_inputs()[0].shape[1:]]
session.run(["embedding"], {"pixels": np.zeros(shape, np.float32)})
print(resident() - before)
"""


def report_speed(folders: list[Path]) -> None:
    """Print size, memory, time to load and time a crop of each bundle's network."""
    files = [folder / RUNTIME for folder in folders]
    sessions = [read_session(file.read_bytes(), threads=1) for file in files]
    shape = (BATCH, *sessions[0].get_inputs()[0].shape[1:])
    pixels = np.random.default_rng(0).random(shape, np.float32)
    spent: list[list[float]] = [[] for _ in files]
    loads: list[list[float]] = [[] for _ in files]
    for _ in range(ROUNDS):
        for turn, session in enumerate(sessions):
            began = time.process_time()
            for _ in range(3):
                session.run(["embedding"], {"pixels": pixels})
            spent[turn].append((time.process_time() - began) / (3 * BATCH) * 1000)
            began = time.process_time()
            read_session(files[turn].read_bytes(), threads=1)
            loads[turn].append((time.process_time() - began) * 1000)
    for turn, file in enumerate(files):
        command = [sys.executable, "-P", "-c", MEMORY, str(file)]
        memory = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        low, median, high = np.percentile(spent[turn], [10, 50, 90])
        print(
            f"{read_bundle(folders[turn]).face_kind}: {median:.2f} ms a crop of two views ({low:.2f} to {high:.2f}), "
            f"{file.stat().st_size / 1e6:.1f} MB, {memory:.0f} MB of memory, {np.median(loads[turn]):.0f} ms to load"
        )
    ratios = np.array(spent[0]) / np.array(spent[1])
    print(f"ratio {np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})")


def report_robustness(first: FerPhqModel, second: FerPhqModel, source: str) -> None:
    """Print the accuracy of both on corrupted images, and the interval of its difference."""
    faces = load_faces(parse_source(source))
    right: list[list[np.ndarray]] = [[], []]
    for name, scale in STRENGTHS.items():
        rng = make_generator(name, 0)
        for start in range(0, len(faces), CHUNK):
            rows = np.arange(start, min(start + CHUNK, len(faces)))
            crops = CORRUPTIONS[name](faces.crops(rows), scale.parameters[SUMMARY_STRENGTH - 1], rng)
            for turn, model in enumerate((first, second)):
                right[turn].append(model.predict_emotions(crops).argmax(1) == faces.labels[rows])
    before, after = (np.concatenate(parts).reshape(len(STRENGTHS), -1) for parts in right)
    low, high = difference_interval(after.mean(axis=0), before.mean(axis=0))
    print(
        f"corrupted at strength {SUMMARY_STRENGTH}: {before.mean():.2%} and {after.mean():.2%}; difference "
        f"{100 * (after.mean() - before.mean()):+.2f} points ({100 * low:+.2f} to {100 * high:+.2f})"
    )


def report_estimates(first: FerPhqModel, second: FerPhqModel, recordings: list[Path]) -> None:
    """Print what a session's emotions and PHQ estimate change by."""
    settings = Settings(face_rate=0)
    for path in recordings:
        before, after = (analyze(path, model, settings) for model in (first, second))
        moved = with_estimate(replace(after, face_kind=first.face_kind), first, settings)
        rows = np.linalg.norm(before.embeddings, axis=1)
        same = len(before.embeddings) == len(after.embeddings)
        error = np.median(np.linalg.norm(after.embeddings - before.embeddings, axis=1) / rows) if same else np.nan
        means = [analysis.emotion_distribution for analysis in (before, after)]
        shares = np.ptp(np.array([mean for mean in means if mean is not None]), axis=0).max(initial=0)
        print(
            f"{path.name}: embeddings {error:.2%} of their length away, mean emotions {shares:.4f}, "
            f"estimate {_score(before.phq)} and {_score(moved.phq)} by the first's heads, {_score(after.phq)} by the "
            "second's own"
        )


def _score(phq: object) -> str:
    return f"{phq.score:.2f} ({phq.low:.2f} to {phq.high:.2f})" if isinstance(phq, PhqEstimate) else "none"


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("recordings", type=Path, nargs="*")
    parser.add_argument("--faces")
    args = parser.parse_args()
    report_speed([args.first, args.second])
    models = load_model(args.first), load_model(args.second)
    report_estimates(*models, args.recordings)
    if args.faces:
        report_robustness(*models, args.faces)


if __name__ == "__main__":
    main()
