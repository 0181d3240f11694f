"""Whether an instrument measures what is in a recording, and not how it was stored or sampled, as figures.

    python benchmarks/bench_truth.py [rate] [halves] [frames] [--clips FOLDER]
    python benchmarks/bench_truth.py persons [--people FOLDER] [--ferplus FILE] [--recordings N]
    python benchmarks/bench_truth.py pitch
    python benchmarks/bench_truth.py behaviour
    python benchmarks/bench_truth.py turned [--clips FOLDER]

`rate`: clips that come with the product, and simulated sessions, analysed at several rates of sampling; right is that
nothing moves from the grid's rate on. `halves`: the two halves of a session against the whole; right is that their mean
lies nearer to the whole than the halves lie to their mean, which is what their length explains. `frames`: the same
pictures stored at a constant and at a variable frame rate. Without names, these three are run.

`persons`: speaker views rendered from portraits (`speaker_views.py`); right is that everybody has one series of faces,
and nobody has another's. `--people` is a folder with a sub-folder of pictures for each person, or loose pictures;
`--ferplus` a .parquet file of FER+.

`pitch`: voices whose pitch is known (`voices.py`), high, rough, above music and above babble; right is the voice's
pitch, and speech where the person speaks.

`behaviour`: what PHQ heads read of simulated faces that were looked at less often, with pictures that stand for a
while, and as the store keeps them; right is what 30 pictures a second show, or nothing.
`turned`: the clips as if their mark of rotation were lost, and what would be said of them if nobody looked; right is
that a sentence says so and no estimate is given.
"""

from __future__ import annotations

import argparse
import struct
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import speaker_views  # noqa: E402
import voices  # noqa: E402

from fer_phq import analyze  # noqa: E402
from fer_phq.behaviour.columns import row_durations, row_times  # noqa: E402
from fer_phq.behaviour.seconds.series import behaviour_seconds  # noqa: E402
from fer_phq.behaviour.series import behaviour_series  # noqa: E402
from fer_phq.core.analysis import Sampling, SessionAnalysis, Settings, display_durations  # noqa: E402
from fer_phq.core.arrays import Image  # noqa: E402
from fer_phq.core.feature_series import GRID_HZ, FeatureSeries, SessionFeatures  # noqa: E402
from fer_phq.core.phq import Modality, PhqEstimate, PhqResult  # noqa: E402
from fer_phq.faces import (  # noqa: E402
    Detection,
    FaceDetector,
    FaceRecognizer,
    Recognition,
    Tracker,
    align_crop,
    link_persons,
)
from fer_phq.features.functionals import functionals  # noqa: E402
from fer_phq.models.model import FerPhqModel, load_model  # noqa: E402
from fer_phq.pipeline import messages  # noqa: E402
from fer_phq.video import sample_frames  # noqa: E402
from fer_phq.video.sampling import displayed_at_rate  # noqa: E402
from training.simulation.behaviour.frames import draw_frames, look_at  # noqa: E402
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
BEHAVIOUR = (Modality.BEHAVIOUR,)
LOOKS_HZ = (60.0, 25.0, 20.0, 15.0, 12.0, 8.0)
USUAL_LOOKS_HZ = 30.0
COUNTED = ("smiles_a_minute", "smiling", "looking_down", "looking_away", "blinks_a_minute")
"""Functionals of what is counted from a threshold on: one at the threshold is there at one rate and not at another."""
ROTATIONS = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
"""Of degrees clockwise the matrix that an MP4 has."""
TURNED = {messages.FACE_ON_ITS_SIDE.code, messages.FACE_UPSIDE_DOWN.code}
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
            reading = read(analyze(path, model, Settings(sampling=Sampling(fps=fps), face_rate=0)), model)
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
        analysis = analyze(path, model, Settings(face_rate=0))
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
                reading = read(analyze(copy, model, Settings(face_rate=0)), model)
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


@dataclass(frozen=True)
class Sight:
    """The face of one picture: what `Tracker.update` takes, and whose it is (-1 while shots fade)."""

    time_s: float
    detections: list[Detection]
    crops: list[Image]
    rgb: Image
    person: int


class CachedRecognizer(FaceRecognizer):
    """Recognizes each face once, however many bars are tried."""

    def __init__(self) -> None:
        """Load the network."""
        super().__init__(threads=1)
        self._cache: dict[bytes, Recognition] = {}
        self.faces = 0

    def recognize(self, rgb: Image, landmarks: npt.NDArray[np.float32]) -> Recognition:
        """Recognize a face, or return what was recognized before."""
        self.faces += 1
        key = landmarks.tobytes()
        if key not in self._cache:
            self._cache[key] = super().recognize(rgb, landmarks)
        return self._cache[key]


@dataclass
class Score:
    """Counts over recordings.

    Attributes:
        recordings: How many.
        joined: Recordings in which two people are in one series.
        pairs: Pairs of people who are in one recording.
        pairs_joined: Those that are in one series.
        people: People, counted in each recording.
        people_split: Those whose faces are in several series.
        faces: Faces.
        foreign: Faces in a series that is mostly another's.
        lost: Faces outside the longest series of their person.
        tracks: Face tracks.
        recognized: Faces that the network was asked about.
    """

    recordings: int = 0
    joined: int = 0
    pairs: int = 0
    pairs_joined: int = 0
    people: int = 0
    people_split: int = 0
    faces: int = 0
    foreign: int = 0
    lost: int = 0
    tracks: int = 0
    recognized: int = 0

    def add(self, truth: Sequence[int], series: Sequence[int], tracks: int) -> None:
        """Count a recording: whose each face is, and its series. Two faces make a part of a series, one is chance."""
        counts = np.zeros((max(truth) + 1, max(series) + 1), int)
        np.add.at(counts, (truth, series), 1)
        counts = counts[counts.sum(1) > 0]
        parts = counts >= 2
        shared = [(a, b) for a in range(len(parts)) for b in range(a) if (parts[a] & parts[b]).any()]
        self.recordings += 1
        self.joined += bool(shared)
        self.pairs += len(parts) * (len(parts) - 1) // 2
        self.pairs_joined += len(shared)
        self.people += len(parts)
        self.people_split += int((parts.sum(1) > 1).sum())
        self.faces += len(truth)
        self.foreign += int(counts.sum() - counts.max(0).sum())
        self.lost += int(counts.sum() - counts.max(1).sum())
        self.tracks += tracks

    def row(self) -> str:
        """Return the cells of a table."""
        return (
            " | ".join(
                f"{share:.2%}"
                for share in (
                    self.joined / self.recordings,
                    self.pairs_joined / max(1, self.pairs),
                    self.foreign / self.faces,
                    self.people_split / self.people,
                    self.lost / self.faces,
                )
            )
            + f" | {self.tracks / self.people:.2f} | {self.recognized / self.faces:.0%}"
        )


PERSON_BARS = (0.0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
SECONDS = 45.0


def persons(folder: Path | None, ferplus: Path | None, recordings: int) -> Iterator[str]:
    """Yield the table of joins and splits over the bar, for people of a folder and of FER+."""
    detector = FaceDetector(threads=1)
    pools = []
    if folder:
        pools.append((folder.name, speaker_views.read_people(folder, detector)))
    if ferplus:
        pools.append(("FER+", speaker_views.read_ferplus(ferplus, 240, detector)))
    yield "| people | bar | recordings with a join | pairs joined | faces in another's series | people split | " \
          "faces outside their series | tracks a person | faces recognized |"  # fmt: skip
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, people in pools:
        scores = {bar: Score() for bar in PERSON_BARS}
        for sights in rendered_sights(people, recordings, detector):
            recognizer = CachedRecognizer()
            for bar, score in scores.items():
                recognizer.faces = 0
                tracker = Tracker(recognizer=recognizer, bar=bar)
                follow(sights, tracker, lambda tracks, bar=bar: link_persons(tracks, bar), score)
                score.recognized += recognizer.faces
        many = sum(len(person.portraits) > 1 for person in people)
        label = f"{name}: {len(people)}, {many} of them in several pictures"
        for bar, score in scores.items():
            yield f"| {label} | {bar:g} | {score.row()} |"


def rendered_sights(
    people: Sequence[speaker_views.Person], recordings: int, detector: FaceDetector
) -> Iterator[list[Sight]]:
    """Render recordings of two to four people in all places and times, and detect their faces."""
    for number in range(recordings):
        rng = np.random.default_rng(number)
        cast = [people[i] for i in rng.choice(len(people), int(rng.integers(2, 5)), replace=False)]
        place = speaker_views.PLACES[number % 4]
        times = speaker_views.TIMES[number // 4 % 3]
        sights = []
        for picture in speaker_views.render(cast, place, times, SECONDS, rng):
            faces = detector.detect([picture.rgb])[0]
            crops = [align_crop(picture.rgb, face.landmarks, 96) for face in faces]
            sights.append(Sight(picture.time_s, faces, crops, picture.rgb, picture.person))
        yield sights


def follow(sights: Sequence[Sight], tracker: Any, link: Any, score: Score) -> None:
    """Track the faces of a recording, link the tracks and count. A picture with two detections shows no second face."""
    truth: list[int] = []
    ids: list[int] = []
    for sight in sights:
        size = (sight.rgb.shape[1], sight.rgb.shape[0])
        tracks = tracker.update(sight.time_s, sight.detections, size, sight.crops, sight.rgb)
        if sight.person >= 0 and tracks:
            truth.append(sight.person)
            ids.append(tracks[0])
    series = {track: number for number, group in enumerate(link(tracker.tracks())) for track in group}
    if truth:
        score.add(truth, [series[i] for i in ids], len(set(ids)))


def behaviour_of_heads(model: FerPhqModel) -> Iterator[str]:
    """Yield how far functionals and estimates of behaviour move where faces are seen otherwise."""
    rng = np.random.default_rng(5)
    people = [draw_frames(float(rng.uniform(60, 180)), rng) for _ in range(SESSIONS)]
    usual = [look_at(frames, USUAL_LOOKS_HZ) for frames in people]
    views = {f"{rate:g} pictures/s": [look_at(frames, rate) for frames in people] for rate in LOOKS_HZ}
    views["as the store keeps them"] = [replace(series, values=series.values.astype(np.float16)) for series in usual]
    views["every third picture missing"] = [thin_out(series, lambda time_s: np.arange(len(time_s)) % 3 > 0)
                                            for series in usual]  # fmt: skip
    views["2 s of each 10 s frozen"] = [thin_out(series, lambda time_s: time_s % 10 < 8) for series in usual]
    reference = np.array([row for row, _ in map(described, usual)])
    estimates = np.array([model_score(model, series) for series in usual])
    names = np.array(described(usual[0])[1])
    is_counted = np.array([name.endswith(COUNTED) for name in names])
    spread = reference.std(axis=0)
    yield (
        f"| seen | sessions of {SESSIONS} | levels, in SDs: 95 % | largest | counts: 95 % | largest "
        "| estimates | in points: 95 % | largest |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, view in views.items():
        readable = [i for i, series in enumerate(view) if behaviour_seconds(series) is not None]
        if not readable:
            yield f"| {name} | 0 | | | | | | | |"
            continue
        moved = np.abs(np.array([described(view[i])[0] for i in readable]) - reference[readable]) / spread
        scores = np.abs(np.array([model_score(model, view[i]) for i in readable]) - estimates[readable])
        scores = scores[np.isfinite(scores)]
        levels = largest(moved[:, ~is_counted], names[~is_counted])
        counts = largest(moved[:, is_counted], names[is_counted])
        estimated = f"{len(scores)} | {np.quantile(scores, 0.95):.2f} | {scores.max():.2f}"
        yield f"| {name} | {len(readable)} | {levels} | {counts} | {estimated} |"


def largest(moved: Float, names: npt.NDArray[np.str_]) -> str:
    """Return the cells of the ninety-fifth percentile and of the maximum with its column's name."""
    column = moved.max(axis=0).argmax()
    return f"{np.quantile(moved, 0.95):.2f} | {moved.max():.2f} ({names[column].removeprefix('behaviour.')})"


def described(series: FeatureSeries) -> tuple[Float, tuple[str, ...]]:
    """Return the functionals of a behaviour series as it was measured, and their names."""
    row = functionals(SessionFeatures(behaviour=behaviour_seconds(series)), BEHAVIOUR)
    return row.values, row.names


def thin_out(series: FeatureSeries, keep: Callable[[Float], npt.NDArray[np.bool_]]) -> FeatureSeries:
    """Return a series without some of its pictures: the one before each stands until the next."""
    time_s = row_times(series)
    rows = keep(time_s)
    end_s = float(time_s[-1] + row_durations(series)[-1])
    return behaviour_series(series.values[rows], time_s[rows], display_durations(time_s[rows], end_s), series.rate_hz)


def model_score(model: FerPhqModel, series: FeatureSeries) -> float:
    """Return the estimate of behaviour alone, NaN where there is none."""
    phq = model.estimate_phq(SessionFeatures(behaviour=series))
    return phq.score if isinstance(phq, PhqEstimate) else float("nan")


def turned_clips(model: FerPhqModel, folder: Path) -> Iterator[str]:
    """Yield the table of clips that lie on their side or stand on their head."""
    yield "| turned by | coverage | expressions moved by | estimates would move by | estimates | warned |"
    yield "|---|---|---|---|---|---|"
    paths = sorted(folder.glob("*.mp4"))
    with tempfile.TemporaryDirectory() as folder_of_copies:
        for degrees in ROTATIONS:
            copies = [turn(path, Path(folder_of_copies) / f"{degrees}-{path.name}", degrees) for path in paths]
            analyses = [analyze(clip, model, Settings(face_rate=0)) for clip in copies]
            if not degrees:
                upright = analyses
            pairs = list(zip(analyses, upright, strict=True))
            moved = [
                np.abs(turned.emotion_distribution - clip.emotion_distribution).sum() / 2 for turned, clip in pairs
            ]
            shifts = [abs(ungated_score(turned, model) - ungated_score(clip, model)) for turned, clip in pairs]
            coverages = [analysis.coverage for analysis in analyses]
            warned = sum(any(warning.code in TURNED for warning in analysis.warnings) for analysis in analyses)
            estimates = sum(isinstance(analysis.phq, PhqEstimate) for analysis in analyses)
            yield (
                f"| {degrees} degrees | {min(coverages):.2f} to {max(coverages):.2f} | "
                f"{np.median(moved):.2f}, {max(moved):.2f} | {np.median(shifts):.1f}, {max(shifts):.1f} points | "
                f"{estimates} of {len(paths)} | {warned} of {len(paths)} |"
            )


def ungated_score(analysis: SessionAnalysis, model: FerPhqModel) -> float:
    """Return what the face's head would estimate, however little of the face was seen."""
    phq = read(analysis, model).phq
    return phq.score if isinstance(phq, PhqEstimate) else float("nan")


def turn(source: Path, path: Path, degrees: int) -> Path:
    """Write a copy of an MP4 whose mark says that its first track is turned clockwise."""
    a, b, c, d = ROTATIONS[degrees]
    raw = bytearray(source.read_bytes())
    at = raw.index(b"tkhd") + 44
    struct.pack_into(">9i", raw, at, a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(raw)
    return path


def words(phq: PhqResult) -> str:
    """Return an estimate, or the reason why there is none."""
    return f"{phq.score:.2f}" if isinstance(phq, PhqEstimate) else f"unavailable: {phq.message}"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmarks and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["rate", "halves", "frames"])
    parser.add_argument("--clips", type=Path, default=CLIPS)
    parser.add_argument("--people", type=Path)
    parser.add_argument("--ferplus", type=Path)
    parser.add_argument("--recordings", type=int, default=240)
    options = parser.parse_args(argv)
    model = load_model()
    tables = {
        "rate": lambda: [*rate_on_clips(model, options.clips), "", *rate_on_sessions()],
        "halves": lambda: [*halves_of_clips(model, options.clips), "", *halves_of_sessions()],
        "frames": lambda: variable_frames(model, options.clips),
        "behaviour": lambda: behaviour_of_heads(model),
        "pitch": voices.pitch_tables,
        "turned": lambda: turned_clips(model, options.clips),
        "persons": lambda: persons(options.people, options.ferplus, options.recordings),
    }
    for part in options.parts:
        for line in tables[part]():
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
