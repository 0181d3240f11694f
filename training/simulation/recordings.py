"""A few simulated subjects as real recordings: `python -m training.simulation.recordings OUT --faces SOURCE`.

So that the whole path, from a video file to an estimate, can be tried where nobody may hand out PHQ-labelled video. OUT
becomes a folder with a video, its sound and a transcript for each subject, and `manifest.csv`, which `training.phq`
takes. Frames show images of the expressions that `training.simulation.severity` draws; espeak-ng speaks an
interviewer's questions and the subject's answers, with pauses, pitch and loudness as `training.simulation.speech` draws
them. Severity moves all of this as those two modules assume: nothing here says anything about any person.
`training.simulation.faces` says what SOURCE may be.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError, SettingsError
from fer_phq.core.phq import Scale
from fer_phq.faces import FaceDetector
from fer_phq.video.writer import write_video
from training.simulation.faces import SIZE, Album, cast, frame_of, open_album
from training.simulation.severity import SEVERITY_MAX, SIMULATED, Links, draw_severity, simulate_session
from training.simulation.speech import SpeechLinks, draw_speaker
from training.simulation.talk import RATE, SUBJECT, converse, timbre_of, write_webvtt

FPS = 10
SECONDS = (10.0, 600.0)
"""Shortest and longest recording: a question and the start of an answer fit into ten seconds, whoever speaks."""
COLUMNS = ("subject_id", "scale", "score", "recording", "transcript", "speaker", "voice", "provenance")
"""The manifest's. voice and provenance are groups: of the two voices the subject's, and that all of it is simulated."""


@dataclass(frozen=True)
class Film:
    """What is rendered. seconds: of each recording. seed: who the subjects are and what they say."""

    subjects: int = 12
    seconds: float = 30.0
    seed: int = 0
    links: Links = field(default_factory=Links)
    speech: SpeechLinks = field(default_factory=SpeechLinks)

    def __post_init__(self) -> None:
        if self.subjects < 1:
            raise SettingsError(f"{self.subjects} subjects cannot be rendered: ask for one or more.")
        if not SECONDS[0] <= self.seconds <= SECONDS[1]:
            low, high = SECONDS
            raise SettingsError(f"Recordings last from {low:g} to {high:g} s, {self.seconds:g} s was asked for.")
        if self.seed < 0:
            raise SettingsError(f"A seed is 0 or more, {self.seed} was given.")


def render_cohort(out: Path, album: Album, film: Film, tell: Callable[[str], None] = lambda _: None) -> Path:
    """Draw subjects and write their recordings, transcripts and `manifest.csv` into a new folder; the manifest's path.

    The folder appears whole or not at all. tell: is told what happens, a sentence at a time. Raises FerPhqError in one
    sentence, for a folder that holds anything already, too.
    """
    refuse_early(out)
    detector = FaceDetector()
    rows = list[tuple[object, ...]]()
    with _whole(out) as folder:
        for number, total in enumerate(draw_severity(film.subjects, np.random.default_rng(film.seed))):
            tell(f"Rendering {number + 1} of {film.subjects}")
            rows.append(_render_subject(folder, number, int(total), album, film, detector))
        with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
    return out / "manifest.csv"


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A folder that becomes `out` in the end, or vanishes."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            yield part
            part.chmod(0o755)
            os.replace(part, out)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except (OSError, av.FFmpegError) as error:
        raise FerPhqError(f"The recordings cannot be written to {out}: {error.strerror or error}.") from None


def refuse_early(out: Path) -> None:
    """Raise FerPhqError when espeak-ng is not there or `out` is not free."""
    if shutil.which("espeak-ng") is None:
        raise FerPhqError("espeak-ng is not installed, which speaks the simulated sessions: apt-get install espeak-ng.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise FerPhqError(f"{out} is not empty: name a new folder for the recordings.")


def _render_subject(
    folder: Path, number: int, total: int, album: Album, film: Film, detector: FaceDetector
) -> tuple[object, ...]:
    """Write one subject's recording and transcript; the manifest's row."""
    name = f"S{number:05d}"
    rng = np.random.default_rng((film.seed, number + 1))  # one each: what one says depends on nobody else's faces
    person = film.links.person * rng.normal(size=len(EMOTIONS))
    length = round(film.seconds * FPS)
    shown = simulate_session(number, total, person, length, FPS, film.links, rng)
    speaker = draw_speaker(total / SEVERITY_MAX, rng.normal(size=6), film.speech, rng)
    heard = converse(speaker, length / FPS, rng)
    portraits = cast(album, shown.expressions, detector, rng)
    frames = (frame_of(portraits[int(e)], i / FPS) for i, e in enumerate(shown.expressions))
    write_video(folder / f"{name}.mp4", frames, SIZE, FPS, heard.sound, RATE)
    write_webvtt(folder / f"{name}.vtt", heard.cues)
    return (name, Scale.PHQ8, total, f"{name}.mp4", f"{name}.vtt", SUBJECT, timbre_of(speaker).name, SIMULATED)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.simulation.recordings", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("out", type=Path, help="a new folder")
    parser.add_argument("--faces", required=True, help="folder of images by emotion, or CORPUS:PATH")
    parser.add_argument("--subjects", type=int, default=Film.subjects)
    parser.add_argument("--seconds", type=float, default=Film.seconds, help="of each recording")
    parser.add_argument("--seed", type=int, default=Film.seed)
    options = parser.parse_args(argv)

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        film = Film(options.subjects, options.seconds, options.seed)
        refuse_early(options.out)  # before a corpus is read
        print(render_cohort(options.out, open_album(options.faces), film, tell))
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
