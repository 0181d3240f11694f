"""Whether an instrument measures what is in a recording, and not how it was stored or sampled, as figures.

    python benchmarks/bench_truth.py [rate] [halves] [frames] [--clips FOLDER]

`rate`: clips that come with the product, and simulated sessions, analysed at several rates of sampling; right is that
nothing moves from the grid's rate on. `halves`: the two halves of a session against the whole; right is that their mean
lies nearer to the whole than the halves lie to their mean, which is what their length explains. `frames`: the same
pictures stored at a constant and at a variable frame rate.
Without names, all are run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from fer_phq import analyze  # noqa: E402
from fer_phq.core.analysis import Sampling, SessionAnalysis, Settings, display_durations  # noqa: E402
from fer_phq.core.arrays import Image  # noqa: E402
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures  # noqa: E402
from fer_phq.core.phq import Modality, PhqEstimate, PhqResult  # noqa: E402
from fer_phq.features.functionals import functionals  # noqa: E402
from fer_phq.models.model import FerPhqModel, load_model  # noqa: E402
from fer_phq.timeline.grid import GRID_HZ  # noqa: E402
from fer_phq.video import sample_frames  # noqa: E402
from fer_phq.video.sampling import displayed_at_rate  # noqa: E402
from training.simulation.severity import (  # noqa: E402
    EmbeddingBank,
    ExpressionLinks,
    make_synthetic_bank,
    simulate_session,
)

CLIPS = ROOT / "service" / "demo" / "clips"
RATES = (1.0, 2.0, 5.0, 12.0, 25.0, 30.0)
SIMULATED_RATES = (2.0, 5.0, 12.0, 25.0, 30.0)
CAMERA_HZ = 60.0
SESSIONS = 40
FACE = (Modality.FACE,)
Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reading:
    """What an analysis says.

    Attributes:
        coverage: 0 to 1.
        happiness: Mean probability over the time with a face, 0 to 1.
        phq: The estimate of the face alone, or why there is none.
    """

    coverage: float
    happiness: float
    phq: PhqResult


def rate_on_clips(model: FerPhqModel, folder: Path) -> Iterator[str]:
    """Yield the table of clips analysed at several rates."""
    yield "| clip | frames/s | coverage | happiness | PHQ estimate of the face |"
    yield "|---|---|---|---|---|"
    for path in sorted(folder.glob("*.mp4")):
        for fps in RATES:
            reading = read(analyze(path, model, Settings(sampling=Sampling(fps=fps))), model)
            yield f"| {path.name} | {fps:g} | {reading.coverage:.3f} | {reading.happiness:.3f} | {words(reading.phq)} |"


def rate_on_sessions() -> Iterator[str]:
    """Yield how far functionals move on simulated sessions between rates, in SDs between the sessions."""
    rng = np.random.default_rng(0)
    bank = make_synthetic_bank(np.random.default_rng(1))
    rows = {fps: [] for fps in SIMULATED_RATES}  # type: dict[float, list[Float]]
    names: tuple[str, ...] = ()
    for subject in range(SESSIONS):
        frames = int(CAMERA_HZ * rng.uniform(60, 300))
        session = simulate_session(subject, int(rng.integers(0, 20)), rng.normal(size=7), frames, CAMERA_HZ,
                                   ExpressionLinks(), rng)  # fmt: skip
        pictures = bank.draw(session, rng)
        for fps in SIMULATED_RATES:
            row = functionals(sampled(bank, pictures, fps), FACE)
            rows[fps].append(row.values)
            names = row.names
    reference = np.array(rows[GRID_HZ])
    spread = np.nanstd(reference, axis=0)
    used = spread > 0
    yield f"| frames/s | largest difference of {used.sum()} functionals, in SDs between {SESSIONS} sessions | which |"
    yield "|---|---|---|"
    for fps in SIMULATED_RATES:
        moved = np.abs(np.array(rows[fps]) - reference).max(0)[used] / spread[used]
        yield f"| {fps:g} | {moved.max():.3f} | {np.array(names)[used][moved.argmax()]} |"


def sampled(bank: EmbeddingBank, pictures: npt.NDArray[np.int64], fps: float) -> SessionFeatures:
    """Return the face of a camera's pictures (n,) as a rate of sampling sees it."""
    assert bank.probabilities is not None
    end_s = len(pictures) / CAMERA_HZ
    frames = list(displayed_at_rate(((i / CAMERA_HZ, i) for i in range(len(pictures))), fps, end_s))
    time_s = np.array([time for time, _ in frames])
    rows = pictures[[row for _, row in frames]]
    face = FeatureSeries(
        bank.embeddings[rows], time_s, bank.kind, duration_s=display_durations(time_s, end_s), rate_hz=fps
    )
    return SessionFeatures(face=face, emotions=bank.probabilities[rows])


def halves_of_clips(model: FerPhqModel, folder: Path) -> Iterator[str]:
    """Yield the table of clips estimated whole and by halves."""
    yield "| clip | whole | first half | second half | their mean less the whole |"
    yield "|---|---|---|---|---|"
    for path in sorted(folder.glob("*.mp4")):
        analysis = analyze(path, model, Settings())
        features = replace(analysis.features, voice=None, words=None)
        estimates = [model.estimate_phq(part) for part in (features, *split(features, analysis.recording.duration_s))]
        scores = [phq.score if isinstance(phq, PhqEstimate) else float("nan") for phq in estimates]
        off = (scores[1] + scores[2]) / 2 - scores[0]
        yield f"| {path.name} | {scores[0]:.2f} | {scores[1]:.2f} | {scores[2]:.2f} | {off:+.2f} |"


def halves_of_sessions() -> Iterator[str]:
    """Yield how far the mean of two halves lies from the whole in simulated sessions, over all functionals.

    The halves of a session differ by chance. Half their difference is how far each lies from their mean: what a
    session's length explains.
    """
    rng = np.random.default_rng(3)
    bank = make_synthetic_bank(np.random.default_rng(1))
    wholes: list[Float] = []
    parts: list[tuple[Float, Float]] = []
    names: tuple[str, ...] = ()
    for subject in range(SESSIONS):
        frames = int(CAMERA_HZ * rng.uniform(120, 300))
        session = simulate_session(subject, int(rng.integers(0, 20)), rng.normal(size=7), frames, CAMERA_HZ,
                                   ExpressionLinks(), rng)  # fmt: skip
        features = sampled(bank, bank.draw(session, rng), GRID_HZ)
        first, second = split(features, frames / CAMERA_HZ)
        whole = functionals(features, FACE)
        names = whole.names
        wholes.append(whole.values)
        parts.append((functionals(first, FACE).values, functionals(second, FACE).values))
    reference = np.array(wholes)
    half = np.array(parts)
    spread = np.nanstd(reference, axis=0)
    is_slope = np.char.endswith(np.array(names), ".slope")  # a whole's slope is no mean of its halves' slopes
    used = (spread > 0) & np.isfinite(half).all((0, 1)) & ~is_slope
    off = (half.mean(1) - reference)[:, used]
    explained = np.sqrt(np.mean((half[:, 0] - half[:, 1])[:, used] ** 2, axis=0)) / 2
    distance = np.sqrt(np.mean(off**2, axis=0)) / explained
    bias = np.abs(off.mean(0)) / spread[used]
    labels = np.array(names)[used]
    yield f"| {used.sum()} functionals without slopes, {SESSIONS} sessions of 2 to 5 min | median | largest | which |"
    yield "|---|---|---|---|"
    for words, values in (
        ("distance of the halves' mean from the whole, in halves' deviations from their mean", distance),
        ("its mean over the sessions, in SDs between sessions", bias),
    ):
        yield f"| {words} | {np.median(values):.3f} | {values.max():.3f} | {labels[values.argmax()]} |"


def split(features: SessionFeatures, end_s: float) -> tuple[SessionFeatures, SessionFeatures]:
    """Split a face and its emotions in the middle of a recording of `end_s` seconds."""
    face = features.face
    assert face is not None
    assert face.time_s is not None
    assert face.duration_s is not None
    assert features.emotions is not None
    middle = int(np.searchsorted(face.time_s, end_s / 2))
    parts = []
    for rows in (slice(0, middle), slice(middle, None)):
        part = replace(face, values=face.values[rows], time_s=face.time_s[rows], duration_s=face.duration_s[rows])
        parts.append(replace(features, face=part, emotions=features.emotions[rows]))
    return parts[0], parts[1]


def variable_frames(model: FerPhqModel, folder: Path) -> Iterator[str]:
    """Yield the table of the same pictures at a constant and at a variable frame rate."""
    yield "| clip | stored | coverage | happiness | PHQ estimate of the face |"
    yield "|---|---|---|---|---|"
    rng = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as scratch:
        for path in sorted(folder.glob("*.mp4"))[:3]:
            with sample_frames(path, Sampling(fps=1.0)) as stream:
                pictures = [frame.rgb for frame in stream][:16]
            lasting = np.round(rng.uniform(0.2, 6, len(pictures)) * 25).astype(int)
            starts = np.r_[0, np.cumsum(lasting)]
            times = {
                "constant, 25 frames/s": [(n, pictures[i]) for i in range(len(pictures))
                                          for n in range(starts[i], starts[i + 1])],
                # the last picture is stored again where it ends, as screen recorders do
                "variable, each picture once": [*zip(starts[:-1], pictures, strict=True),
                                                (starts[-1] - 1, pictures[-1])],
            }  # fmt: skip
            for stored, frames in times.items():
                copy = Path(scratch) / f"{path.stem}.mkv"
                write(copy, frames)
                reading = read(analyze(copy, model, Settings()), model)
                figures = f"{reading.coverage:.3f} | {reading.happiness:.3f} | {words(reading.phq)}"
                yield f"| {path.name} | {stored} | {figures} |"


def write(path: Path, frames: Iterable[tuple[int, Image]]) -> None:
    """Write pictures at times in 25ths of a second."""
    with av.open(str(path), "w") as container:
        stream: Any = None
        for number, rgb in frames:
            if stream is None:
                stream = container.add_stream("ffv1", rate=25)  # lossless: the pictures stay the same
                stream.height, stream.width = rgb.shape[:2]
                stream.pix_fmt = "yuv444p"
            frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
            frame.pts = int(number)
            frame.time_base = Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def read(analysis: SessionAnalysis, model: FerPhqModel) -> Reading:
    """Read an analysis: its coverage and emotions, and the estimate of its face alone."""
    mean = analysis.emotion_distribution
    phq = model.estimate_phq(replace(analysis.features, voice=None, words=None))
    return Reading(analysis.coverage, float("nan") if mean is None else float(mean[3]), phq)


def words(phq: PhqResult) -> str:
    """Return an estimate, or the reason why there is none."""
    return f"{phq.score:.2f}" if isinstance(phq, PhqEstimate) else f"unavailable: {phq.message}"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmarks and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["rate", "halves", "frames"])
    parser.add_argument("--clips", type=Path, default=CLIPS)
    options = parser.parse_args(argv)
    model = load_model()
    tables = {
        "rate": lambda: [*rate_on_clips(model, options.clips), "", *rate_on_sessions()],
        "halves": lambda: [*halves_of_clips(model, options.clips), "", *halves_of_sessions()],
        "frames": lambda: variable_frames(model, options.clips),
    }
    for part in options.parts:
        for line in tables[part]():
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
