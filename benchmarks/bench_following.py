"""What following faces between the times of the grid costs and saves, against searching the whole of each frame.

    python benchmarks/bench_following.py [clips] [people] [--clips ../shared/clips] [--recordings 8]

`clips` compares both on the demonstration's clips, a film of 720p and those of --clips: what is found, how far boxes,
landmarks and emotions move beside how far they move when every picture is shifted by a pixel of the size at which it
is searched, and the processor time of the stage, in turns. `people` renders recordings of people who come, go, cross
and replace one another (`benchmarks/moving_people.py`), and counts what is found and joined against what is true; at
2 frames/s, where the product searches every frame, also with a search of the whole only every 4 s.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib import cbook
from PIL import Image as PillowImage
from skimage import data

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from benchmarks import moving_people  # noqa: E402
from benchmarks.peers.films import make_film  # noqa: E402
from benchmarks.speaker_views import Person, cut_out  # noqa: E402
from fer_phq.core.analysis import Sampling, Settings  # noqa: E402
from fer_phq.core.arrays import Image  # noqa: E402
from fer_phq.faces import (  # noqa: E402
    Detection,
    FaceDetector,
    FaceFollower,
    FaceRecognizer,
    Tracker,
    TrackStats,
    align_crop,
    link_persons,
)
from fer_phq.faces.detector import SIDES, overlap  # noqa: E402
from fer_phq.models.model import FerPhqModel, load_model  # noqa: E402
from fer_phq.pipeline.faces import detect_faces, find_whole_searches, observe_faces  # noqa: E402
from fer_phq.pipeline.subject import FaceObservation  # noqa: E402
from fer_phq.video import Frame, sample_frames  # noqa: E402

DEMONSTRATION = ROOT / "service" / "demo" / "clips"
RATES = (2.0, 5.0, 30.0)
SECONDS = 8.0
MOST_FRAMES = 120
SPARSE = 8
"""Frames from one search of the whole to the next, in the choice that the product does not make at 2 frames/s."""
SAME = 0.4  # intersection over union of two detections of one face
Float = npt.NDArray[np.float64]


@dataclass
class CountingDetector:
    """The detector, and how many frames it searched whole."""

    detector: FaceDetector
    whole: int = 0

    @property
    def threshold(self) -> float:
        """Lowest score of a face."""
        return self.detector.threshold

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        """Search whole images, and count them."""
        self.whole += len(images)
        return self.detector.detect(images)

    def detect_near(self, image: Image, faces: Sequence[Detection]) -> list[Detection] | None:
        """Search parts of an image."""
        return self.detector.detect_near(image, faces)


@dataclass(frozen=True)
class Run:
    """What the stage made of some frames: faces by frame, their tracks, frames searched whole, processor seconds."""

    faces: list[list[FaceObservation]]
    crops: list[list[Image]]
    tracks: list[TrackStats]
    whole: int
    cpu_s: float


@cache
def networks() -> tuple[FaceDetector, FaceRecognizer]:
    """Load detector and recognizer, once."""
    return FaceDetector(threads=1), FaceRecognizer(threads=1)


def run(frames: Sequence[Frame], whole: Sequence[bool]) -> Run:
    """Run the stage on frames, of which some are searched whole in any case."""
    detector, recognizer = networks()
    counting = CountingDetector(detector)
    follower = FaceFollower(counting)  # type: ignore[arg-type]  # it does what the follower asks of a detector
    tracker = Tracker(recognizer=recognizer)
    began = time.process_time()
    observations, crops = observe_faces(detect_faces(frames, whole, follower), tracker, 0, frames[0].scale)
    spent = time.process_time() - began
    faces: list[list[FaceObservation]] = [[] for _ in frames]
    crops_by_frame: list[list[Image]] = [[] for _ in frames]
    for face, crop in zip(observations, crops, strict=True):
        faces[face.frame].append(face)
        crops_by_frame[face.frame].append(crop)
    return Run(faces, crops_by_frame, tracker.tracks(), counting.whole, spent)


def whole_frames(frames: Sequence[Frame], fps: float) -> list[bool]:
    """Return which frames the product searches whole in any case."""
    return find_whole_searches(frames, frames[-1].time_s + 1 / fps, Settings(sampling=Sampling(fps=fps)))


@dataclass
class Differences:
    """How far faces of one run lie from those of another in the same frames."""

    box: list[float] = field(default_factory=list)
    landmarks: list[float] = field(default_factory=list)
    crops: list[tuple[Image, Image]] = field(default_factory=list)

    def add(self, face: Detection, expected: Detection, crops: tuple[Image, Image]) -> None:
        """Count a face that both have, and differently."""
        if face.score == expected.score and face.box == expected.box:
            return
        eyes = float(np.linalg.norm(expected.landmarks[1] - expected.landmarks[0]))
        self.box.append(float(np.abs(np.subtract(face.box, expected.box)).max()) / expected.size)
        self.landmarks.append(
            float(np.linalg.norm(face.landmarks - expected.landmarks, axis=1).mean()) / max(eyes, 1.0)
        )
        self.crops.append(crops)

    def cells(self, model: FerPhqModel) -> str:
        """Return medians and 95th percentiles of box, landmarks and the largest difference of a probability."""
        if not self.box:
            return " | | "
        first, second = (model.classify(model.embed([pair[i] for pair in self.crops])) for i in (0, 1))
        moved = np.abs(first - second).max(axis=1)
        parts = [f"{np.median(v):.1%}, {np.percentile(v, 95):.1%}" for v in (self.box, self.landmarks)]
        return " | ".join([*parts, f"{np.median(moved):.3f}, {np.percentile(moved, 95):.3f}"])


def compare(followed: Run, each: Run) -> tuple[int, int, Differences]:
    """Return how many faces only the search of each frame has, how many only the other, and how far both differ."""
    missing = extra = 0
    differences = Differences()
    for frame, expected_faces in enumerate(each.faces):
        free = list(range(len(followed.faces[frame])))
        for number, expected in enumerate(expected_faces):
            match = [i for i in free if overlap(followed.faces[frame][i].detection.box, expected.detection.box) > SAME]
            if not match:
                missing += 1
                continue
            free.remove(match[0])
            crops = (followed.crops[frame][match[0]], each.crops[frame][number])
            differences.add(followed.faces[frame][match[0]].detection, expected.detection, crops)
        extra += len(free)
    return missing, extra, differences


def shifted_differences(frames: Sequence[Frame], each: Run) -> Differences:
    """Return how far faces move when each picture is shifted by a pixel of the size at which it is searched."""
    detector, _ = networks()
    step = max(1, round(max(frames[0].rgb.shape[:2]) / SIDES[0]))
    differences = Differences()
    for number in range(0, len(frames), max(1, len(frames) // 60)):
        rgb = np.roll(frames[number].rgb, step, axis=1)
        for face in detector.detect([rgb])[0]:
            back = Detection(
                (face.box[0] - step, face.box[1], face.box[2] - step, face.box[3]),
                face.score,
                face.landmarks - np.array([step, 0], np.float32),
            )
            back = back.scaled(frames[number].scale)
            for expected, crop in zip(each.faces[number], each.crops[number], strict=True):
                if overlap(back.box, expected.detection.box) > SAME:
                    differences.add(back, expected.detection, (align_crop(rgb, face.landmarks, crop.shape[0]), crop))
    return differences


def clips_table(folder: Path | None, films: Path) -> Iterator[str]:
    """Yield the table of recordings."""
    model = load_model()
    paths = [make_film(films, "720p", "h264", 12).path, *sorted(DEMONSTRATION.glob("*.mp4"))]
    if folder is not None:
        paths += sorted(folder.glob("*.mp4"))
    yield (
        "| clip | frames/s | frames | searched whole | faces | missing | extra | tracks | box | landmarks | "
        "probability | landmarks, shifted | probability, shifted | processor time |"
    )
    yield "|---" * 14 + "|"
    for path in paths:
        yield from clip_rows(path, model)


def clip_rows(path: Path, model: FerPhqModel) -> Iterator[str]:
    """Yield a recording's rows, one for each rate."""
    for fps in RATES:
        with sample_frames(path, Sampling(fps=fps)) as stream:
            frames = [frame for frame, _ in zip(stream, range(MOST_FRAMES), strict=False)]
        whole = whole_frames(frames, fps)
        turns = [(run(frames, whole), run(frames, [True] * len(frames))) for _ in range(3)]
        followed, each = turns[-1]
        missing, extra, differences = compare(followed, each)
        ratios = [a.cpu_s / b.cpu_s for a, b in turns]
        _, *shifted = shifted_differences(frames, each).cells(model).split(" | ")
        yield (
            f"| {path.stem} | {fps:g} | {len(frames)} | {followed.whole / len(frames):.0%} | "
            f"{sum(map(len, each.faces))} | {missing} | {extra} | {len(followed.tracks)} of {len(each.tracks)} | "
            f"{differences.cells(model)} | {' | '.join(shifted)} | "
            f"{np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |"
        )


@dataclass
class Truth:
    """What was found of heads that are known, over recordings.

    Attributes:
        heads: Heads that are certainly in view, and of them
        detected: with a detection.
        empty: Detections where no head is, in pictures in which all is certain.
        people: Persons with two faces or more, and
        series: series of linked tracks with two of their faces or more, and
        tracks: tracks, before they are linked.
        joins: Series with two or more faces of each of two people.
        whole: Frames searched whole, of
        frames: of all.
    """

    heads: int = 0
    detected: int = 0
    empty: int = 0
    people: int = 0
    series: int = 0
    tracks: int = 0
    joins: int = 0
    whole: int = 0
    frames: int = 0

    def add(self, pictures: Sequence[moving_people.Picture], outcome: Run) -> None:
        """Count a recording."""
        number_of = {t: n for n, group in enumerate(link_persons(outcome.tracks)) for t in group}
        counts: dict[tuple[int, int], int] = {}
        by_track: dict[int, set[int]] = {}
        for picture, faces in zip(pictures, outcome.faces, strict=True):
            if not picture.is_certain:
                continue
            free = list(faces)
            for head in picture.heads:
                self.heads += 1
                matches = [
                    f for f in free if np.hypot(*np.subtract(f.detection.centre, (head.x, head.y))) < head.side / 3
                ]
                if matches:
                    self.detected += 1
                    free.remove(matches[0])
                    key = (number_of[matches[0].track], head.person)
                    counts[key] = counts.get(key, 0) + 1
                    by_track.setdefault(head.person, set()).add(matches[0].track)
            self.empty += len(free)
        often = [key for key, count in counts.items() if count >= 2]
        self.people += len({person for _, person in often})
        self.series += len(often)
        self.tracks += sum(map(len, by_track.values()))
        self.joins += len(often) - len({series for series, _ in often})
        self.whole += outcome.whole
        self.frames += len(pictures)

    def cells(self) -> str:
        """Return the cells of a table."""
        return (
            f"{self.whole / self.frames:.0%} | {self.heads} | {self.detected / self.heads:.2%} | {self.empty} | "
            f"{self.joins} | "
            f"{self.series / max(1, self.people):.2f} | {self.tracks / max(1, self.people):.2f}"
        )


def people_table(clips: Path | None, recordings: int) -> Iterator[str]:
    """Yield the table of rendered recordings."""
    people = read_portraits(clips)
    yield (
        f"| what happens ({len(people)} people) | frames/s | search | frames searched whole | heads | found | "
        "detections elsewhere | joins | series a person | tracks a person |"
    )
    yield "|---" * 10 + "|"
    for kind in (*moving_people.PLAYS, "all"):
        for fps in RATES:
            totals = sums(kind, fps, recordings, clips)
            for name, truth in totals.items():
                yield f"| {kind} | {fps:g} | {name} | {truth.cells()} |"


@cache
def sums(kind: str, fps: float, recordings: int, clips: Path | None) -> dict[str, Truth]:
    """Count what each search finds in the recordings of a kind, or of all kinds."""
    totals: dict[str, Truth] = {}
    if kind == "all":
        for part in (sums(kind, fps, recordings, clips) for kind in moving_people.PLAYS):
            for name, truth in part.items():
                total = totals.setdefault(name, Truth())
                for column, value in vars(truth).items():
                    setattr(total, column, getattr(total, column) + value)
        return totals
    people = read_portraits(clips)
    for number in range(recordings):
        rng = np.random.default_rng([number, list(moving_people.PLAYS).index(kind)])
        cast = [people[i] for i in rng.choice(len(people), 2, replace=False)]
        pictures = list(moving_people.render(kind, cast, SECONDS, fps, rng))
        frames = [Frame(picture.time_s, picture.rgb, 1.0) for picture in pictures]
        for name, whole in searches(frames, fps).items():
            totals.setdefault(name, Truth()).add(pictures, run(frames, whole))
    return totals


def searches(frames: Sequence[Frame], fps: float) -> dict[str, list[bool]]:
    """Return the ways to search that are compared at a rate, each with the frames that it searches whole."""
    each = [True] * len(frames)
    whole = whole_frames(frames, fps)
    if all(whole):
        return {"each frame": each, "whole every 4 s": [i % SPARSE == 0 for i in range(len(frames))]}
    return {"each frame": each, "followed": whole}


@cache
def read_portraits(clips: Path | None) -> tuple[Person, ...]:
    """Cut out the faces of photographs: scikit-image's, matplotlib's, and those of a folder."""
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        pictures = [data.astronaut(), np.asarray(PillowImage.open(file).convert("RGB"))]
    if clips is not None:
        pictures += [np.asarray(PillowImage.open(path).convert("RGB")) for path in sorted(clips.glob("*.jpg"))]
    people = []
    for number, rgb in enumerate(pictures):
        faces = [face for face in networks()[0].detect([rgb])[0] if face.size > 40]
        people += [Person(f"{number}", (cut_out(rgb, face.centre, face.size),)) for face in faces]
    return tuple(people)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=("clips", "people"), default=["clips", "people"])
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--recordings", type=int, default=8)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="ferphq-following-") as films:
        tables = {
            "clips": lambda: clips_table(options.clips, Path(films)),
            "people": lambda: people_table(options.clips, options.recordings),
        }
        for part in options.parts:
            for line in tables[part]():
                print(line, flush=True)
            print()


if __name__ == "__main__":
    main()
