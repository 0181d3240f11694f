"""`fer-phq sessions`: the withdrawal of a session's consent."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.store import open_store


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="Sessions: withdraw the consent to one.")
    group.callback()(lambda: None)
    group.command(name="withdraw")(withdraw_command)
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
