"""`fer-phq sessions`: the withdrawal of a session's consent, and the export of its masked recording."""

from __future__ import annotations

from typing import Annotated

import typer

from fer_phq.masking.options import MaskOptions, PictureMask, VoiceMasking
from service.cli.lifecycle.masking import Force, Out, Picture, ReportFile, Voice, print_report, share_printer
from service.cli.store import open_store
from service.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        no_args_is_help=True, help="Sessions: withdraw the consent to one, or export its recording, masked."
    )
    group.callback()(lambda: None)
    group.command(name="withdraw")(withdraw_command)
    group.command(name="mask")(mask_command)
    app.add_typer(group, name="sessions")


def withdraw_command(
    session: Annotated[str, typer.Argument(metavar="ID", help="The session's id, as its page's address has it.")],
    by: Annotated[str, typer.Option(help="Who notes the withdrawal.")] = "",
) -> None:
    """Withdraw the consent to a session: its analysis stops, and new ones are refused. Nothing is erased.

    To erase the person: `fer-phq subjects erase ID`.

    Example: `fer-phq sessions withdraw 0c9ae1f0-5a2b-4c9e-9d0e-6a1c2f3b4d5e --by "Dr Meyer"`
    """
    from service.lifecycle.consent import withdraw_consent

    with open_store() as store:
        record = withdraw_consent(store, session, by)
        label = store.subjects.get(subject_id=record.subject_id).label
    print(f"The consent to the session of {record.recorded_at:%Y-%m-%d} of {label} is withdrawn.")
    print("Its recording and results are still stored: erase the session on its page, or the person with")
    print(f"fer-phq subjects erase {record.subject_id}")


def mask_command(
    session: Annotated[str, typer.Argument(metavar="ID", help="The session's id, as its page's address has it.")],
    out: Out,
    picture: Picture = PictureMask.FACES,
    voice: Voice = VoiceMasking.MASKED,
    force: Force = False,
    report_file: ReportFile = None,
) -> None:
    """Write the recording of a session as MP4 with every face covered and the voices changed. It is not anonymous.

    Of a recording without a consent, nothing is written. A file that is no session: `fer-phq mask FILE`.

    Example: `fer-phq sessions mask 0c9ae1f0-5a2b-4c9e-9d0e-6a1c2f3b4d5e --out for-teaching.mp4`
    """
    from service.lifecycle.masking import mask_session

    options = MaskOptions(picture, voice)
    settings = load_settings()
    with open_store(settings) as store:
        report = mask_session(settings, store, session, out, options, force=force, on_progress=share_printer())
    print_report(report, report_file)
