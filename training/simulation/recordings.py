"""Simulated subjects as real recordings: `python -m training.simulation.recordings OUT --faces SOURCE`.

With them the whole path, from a video file to an estimate, can be tried without PHQ-labelled video, which nobody may
hand out. OUT becomes a folder with a video, its sound and a transcript for each subject, and `manifest.csv`, which
`training.phq` reads. Frames show images of the expressions that `training.simulation.severity` draws; espeak-ng speaks
an interviewer's questions and the subject's answers, with pauses, pitch and loudness as `training.simulation.speech`
draws them. Severity moves all of this as those two modules assume: a recording says nothing about any person.
`training.simulation.faces` describes SOURCE.
"""

from __future__ import annotations

import csv
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import av
import numpy as np
import typer

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError, SettingsError
from fer_phq.core.phq import Scale
from fer_phq.faces import FaceDetector
from fer_phq.video.writer import write_video
from training import cli
from training.phq.provenance import SIMULATED
from training.simulation import messages
from training.simulation.conversation import RATE, SUBJECT, choose_timbre, simulate_conversation, write_webvtt
from training.simulation.faces import SIZE, Album, choose_portraits, draw_frame, open_album
from training.simulation.severity import SEVERITY_MAX, ExpressionLinks, draw_severity, simulate_session
from training.simulation.speech import SpeechLinks, draw_speaker

FPS = 10
SECONDS = (10.0, 600.0)
"""Shortest and longest recording. A question and the start of an answer fit into ten seconds, whoever speaks."""
COLUMNS = ("subject_id", "scale", "score", "recording", "transcript", "speaker", "voice", "provenance")
"""Columns of the manifest. The last two are groups: which of the two voices the subject has, and 'simulated'."""


@dataclass(frozen=True)
class RenderOptions:
    """The recordings to render.

    Attributes:
        subjects: Number of subjects, one recording each.
        seconds: Duration of each recording.
        seed: Draws who the subjects are and what they say.
        links: How severity moves expressions.
        speech: How severity moves speech.
    """

    subjects: int = 12
    seconds: float = 30.0
    seed: int = 0
    links: ExpressionLinks = field(default_factory=ExpressionLinks)
    speech: SpeechLinks = field(default_factory=SpeechLinks)

    def __post_init__(self) -> None:
        """Raise SettingsError for values out of range."""
        if self.subjects < 1:
            raise SettingsError(messages.TOO_FEW_SUBJECTS(subjects=self.subjects))
        if not SECONDS[0] <= self.seconds <= SECONDS[1]:
            low, high = SECONDS
            raise SettingsError(messages.DURATION_OUT_OF_RANGE(low=low, high=high, seconds=self.seconds))
        if self.seed < 0:
            raise SettingsError(messages.NEGATIVE_SEED(seed=self.seed))


def render_cohort(
    out: Path, album: Album, options: RenderOptions, report_progress: Callable[[str], None] = lambda _: None
) -> Path:
    """Draw subjects and write their recordings, transcripts and `manifest.csv` into a new folder.

    The folder appears whole or not at all.

    Args:
        out: The folder; it must be new or empty.
        album: The faces.
        options: What is rendered.
        report_progress: Called with a line of progress at a time.

    Returns:
        The manifest's path.

    Raises:
        FerPhqError: espeak-ng is missing, the folder is not empty or cannot be written, or an expression has no image
            with a face.
    """
    check_requirements(out)
    detector = FaceDetector()
    rows = list[tuple[object, ...]]()
    with _new_folder(out) as folder:
        for number, total in enumerate(draw_severity(options.subjects, np.random.default_rng(options.seed))):
            report_progress(f"Rendering {number + 1} of {options.subjects}")
            rows.append(_render_subject(folder, number, int(total), album, options, detector))
        with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
    return out / "manifest.csv"


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """Make a folder that becomes `out` in the end, or vanishes."""
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
        reason = error.strerror or str(error)
        raise FerPhqError(messages.RECORDINGS_NOT_WRITTEN(folder=str(out), error=reason)) from None


def check_requirements(out: Path) -> None:
    """Check that espeak-ng is installed and the folder `out` is empty or missing.

    Raises:
        FerPhqError: Either is not so.
    """
    if shutil.which("espeak-ng") is None:
        raise FerPhqError(messages.ESPEAK_MISSING())
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise FerPhqError(messages.FOLDER_NOT_EMPTY(folder=str(out)))


def _render_subject(
    folder: Path, number: int, total: int, album: Album, options: RenderOptions, detector: FaceDetector
) -> tuple[object, ...]:
    """Write one subject's recording and transcript and return the manifest's row."""
    name = f"S{number:05d}"
    rng = np.random.default_rng(
        (options.seed, number + 1)
    )  # one for each subject: nobody's words depend on another's faces
    person = options.links.person * rng.normal(size=len(EMOTIONS))
    length = round(options.seconds * FPS)
    session = simulate_session(number, total, person, length, FPS, options.links, rng)
    speaker = draw_speaker(total / SEVERITY_MAX, rng.normal(size=6), options.speech, rng)
    conversation = simulate_conversation(speaker, length / FPS, rng)
    portraits = choose_portraits(album, session.expressions, detector, rng)
    frames = (draw_frame(portraits[int(e)], i / FPS) for i, e in enumerate(session.expressions))
    write_video(folder / f"{name}.mp4", frames, SIZE, FPS, conversation.sound, RATE)
    write_webvtt(folder / f"{name}.vtt", conversation.cues)
    return (name, Scale.PHQ8, total, f"{name}.mp4", f"{name}.vtt", SUBJECT, choose_timbre(speaker).name, SIMULATED)


@cli.command
def render_command(
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    faces: Annotated[str, typer.Option(help="Folder of images by emotion, or CORPUS:PATH.")],
    subjects: Annotated[int, typer.Option(help="Number of subjects, one recording each.")] = RenderOptions.subjects,
    seconds: Annotated[float, typer.Option(help="Of each recording.")] = RenderOptions.seconds,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = RenderOptions.seed,
) -> None:
    """Render simulated subjects as recordings with transcripts and a manifest."""
    options = RenderOptions(subjects, seconds, seed)
    check_requirements(out)  # before a corpus is read
    print(render_cohort(out, open_album(faces), options, cli.print_progress))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(render_command, argv, "training.simulation.recordings")


if __name__ == "__main__":
    sys.exit(main())
