"""`fer-phq mask`: a recording with faces covered and voices changed; the options of `fer-phq sessions mask`, too."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import to_json
from fer_phq.masking.options import MaskOptions, PictureMask, VoiceMasking
from service.cli import messages

if TYPE_CHECKING:
    from fer_phq.masking.export import MaskReport

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="The MP4 to make.")]
Picture = Annotated[
    PictureMask,
    typer.Option(help="faces: all but the faces; pixelated: the whole picture as a few large cells; none: sound only."),
]
Voice = Annotated[
    VoiceMasking,
    typer.Option(help="masked: words stay, voices change; noise: as loud as the sound was; silent: no sound."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
ReportFile = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write what is said at the end as JSON, for programs.")
]
STEP = 0.05
"""Share of the work after which a line is printed."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="mask")(mask_command)


def mask_command(
    recording: Annotated[Path, typer.Argument(metavar="FILE", help="The recording; nothing of it is stored.")],
    out: Out,
    picture: Picture = PictureMask.FACES,
    voice: Voice = VoiceMasking.MASKED,
    force: Force = False,
    report_file: ReportFile = None,
) -> None:
    """Write a recording as MP4 with every face covered and the voices changed. It is not anonymous.

    Of the source only picture and sound are taken: no tags, places, dates, subtitles, chapters, further tracks.

    Examples:
    - `fer-phq mask session.mp4 --out for-teaching.mp4`
    - `fer-phq mask session.mp4 --out voice.mp4 --picture none`
    - `fer-phq mask session.mp4 --out silent.mp4 --voice silent`
    """
    from fer_phq.masking.export import mask_recording

    options = MaskOptions(picture, voice)
    report = mask_recording(recording, out, options, force=force, on_progress=share_printer())
    print_report(report, report_file)


def share_printer() -> Callable[[float], None]:
    """Return a function that prints the share of the work that is done to standard error, now and then."""
    next_share = STEP

    def on_progress(share: float) -> None:
        nonlocal next_share
        if share >= next_share:
            print(f"{share:.0%}", file=sys.stderr, flush=True)
            next_share = share + STEP

    return on_progress


def print_report(report: MaskReport, file: Path | None) -> None:
    """Print what was written, how sure the faces are, and what it does not do.

    Args:
        report: The export.
        file: Where the sentences are written as a JSON list of messages, too; None for nowhere.

    Raises:
        FerPhqError: That file cannot be written.
    """
    print(f"{report.path}: {report.pictures} pictures.")
    sentences = [*report.warnings, *report.sentences()]
    for sentence in sentences:
        print(sentence)
    if file is None:
        return
    try:
        file.write_text(json.dumps([to_json(sentence) for sentence in sentences]), encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise FerPhqError(messages.CANNOT_WRITE_FILE(path=str(file), error=reason)) from error
