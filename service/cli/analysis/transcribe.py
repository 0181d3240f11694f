"""`fer-phq transcribe`: the words of a recording, recognised on this machine, as a document."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from service.cli import messages

if TYPE_CHECKING:
    from fer_phq.speakers import Turn

SESSION_SPEAKERS = 2
MOST_SPEAKERS = 8
"""How many people speak in a session, and the most that are told apart."""

PRINT_EVERY_S = 60.0
"""Seconds of sound after which a line is printed."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="transcribe")(transcribe_command)


def transcribe_command(
    recording: Annotated[Path, typer.Argument(metavar="FILE", help="The recording or sound file.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where to write it; the ending is the format: .vtt, .srt, .txt, .json, .csv, .TextGrid (Praat), .eaf "
            "(ELAN). Without it, text is printed.",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Another Moonshine model's folder, in place of the extra's English one."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="The language of that model, as es. It is never guessed.")
    ] = None,
    speakers: Annotated[
        int, typer.Option(min=0, max=MOST_SPEAKERS, help="The most people who speak; 0: do not tell speakers apart.")
    ] = SESSION_SPEAKERS,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Recognise the words of a recording on this machine; nothing is stored but the file that is asked for.

    Needs the extra `speech`, which knows English, or a model's folder. Words that should not be relied upon begin with
    (?), which stands alone where somebody speaks and no words could be told. Every segment has times; words have none.

    Examples:
    - `fer-phq transcribe session.mp4 --out session.vtt`
    - `fer-phq transcribe session.mp4 --out session.eaf`
    - `fer-phq transcribe sesion.mp4 --model models/base-es --language es --out sesion.srt`
    """
    from fer_phq.speakers import diarize
    from fer_phq.transcription import load_recognizer, transcribe, write_transcription
    from fer_phq.transcription.documents import find_writer
    from fer_phq.transcription.documents.plain import plain

    if out is not None:
        find_writer(out)  # a wrong ending is told before the work, not after it
        if out.exists() and not force:
            raise FerPhqError(messages.FILE_EXISTS(path=str(out)))
        if not out.parent.is_dir():
            raise FerPhqError(messages.NO_SUCH_FOLDER(path=str(out), folder=str(out.parent)))
    recognizer = load_recognizer(model, language)
    warnings: list[Message] = []
    turns: tuple[Turn, ...] = ()
    if speakers:
        diarization = diarize(recording, speakers=speakers, on_progress=_progress_printer("speakers"))
        turns = diarization.turns
        warnings += diarization.warnings
    transcription = transcribe(recording, recognizer=recognizer, turns=turns, on_progress=_progress_printer("words"))
    warnings += transcription.warnings
    for warning in dict.fromkeys(map(str, warnings)):  # both may say the same of the sound
        print(warning, file=sys.stderr)
    if out is None:
        print(plain(transcription), end="")
        return
    try:
        write_transcription(transcription, out)
    except OSError as error:
        raise FerPhqError(messages.CANNOT_WRITE_FILE(path=str(out), error=error.strerror or str(error))) from None
    doubted = sum(segment.is_uncertain for segment in transcription.segments)
    count = len(transcription.segments)
    print(messages.TRANSCRIBED(path=str(out), segments=count, uncertain=doubted, model=transcription.model_id))


def _progress_printer(step: str) -> Callable[[float, float | None], None]:
    """Return a function that prints to standard error, now and then, how much of the sound is done."""
    next_s = PRINT_EVERY_S

    def on_progress(done_s: float, total_s: float | None) -> None:
        nonlocal next_s
        if done_s >= next_s:
            total = "" if total_s is None else f" / {max(done_s, total_s):.0f}"
            print(f"{step}: {done_s:.0f}{total} s", file=sys.stderr, flush=True)
            next_s = done_s + PRINT_EVERY_S

    return on_progress
