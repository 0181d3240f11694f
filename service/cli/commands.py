"""The commands by name: where each is declared and what the list of them says, so that none is imported in vain.

To import them all takes ten times as long as the list does, and every command would pay it at its start.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

COMMANDS: Mapping[str, tuple[str, str]] = {
    "analyze": ("analysis.analyze", "Analyse recordings: files, or every recording in a folder."),
    "transcribe": (
        "analysis.transcribe",
        "Recognise the words of a recording on this machine; nothing is stored but the file that is asked for.",
    ),
    "agree": (
        "analysis.agree",
        "Measure how far coders of a recording agree: Cohen's or Fleiss' kappa, specific agreement and ICC(2,1).",
    ),
    "up": ("serve", "Migrate the database, then run one worker and the dashboard together until Ctrl-C."),
    "dashboard": (
        "serve",
        "Serve the dashboard (needs a worker beside it to analyse uploads: `fer-phq worker`, or use `fer-phq up`).",
    ),
    "serve": (
        "serve",
        "Serve the HTTP API for programs alone (the dashboard serves it, too). "
        "`GET /v1/openapi.json` says what it can do.",
    ),
    "worker": ("serve", "Analyse queued recordings until Ctrl-C. With PostgreSQL, start as many as you like."),
    "demo": (
        "demo",
        "Create a demonstration subject: six analysed sessions over the past three months, and questionnaires.",
    ),
    "reanalyse": (
        "analysis.reanalyse",
        "Give stored sessions an estimate by another model's PHQ heads, from stored embeddings: "
        "no recording is needed.",
    ),
    "choose-faces": (
        "analysis.choose_faces",
        "Analyse the session with these faces as the subject's, from what is stored: no recording is needed.",
    ),
    "mask": (
        "lifecycle.masking",
        "Write a recording as MP4 with every face covered and the voices changed. It is not anonymous.",
    ),
    "backup": (
        "lifecycle.backup",
        "Write everything that is stored into one file, while dashboard and workers go on running.",
    ),
    "restore": (
        "lifecycle.backup",
        "Restore a backup into an empty installation; every hash is checked before anything is written.",
    ),
    "doctor": (
        "lifecycle.doctor",
        "Check the installation: folder, disk, decoder, device, database, recordings, clock, workers, models.",
    ),
    "db": ("serve", "The database."),
    "models": ("models", "Checkpoint bundles: list, show, verify, activate, export."),
    "train": ("train", "Train models from your own data."),
    "evaluate": ("train", "Measure a checkpoint on labelled data."),
    "users": ("access", "Accounts: who may log in. Without any, nobody has to."),
    "tokens": ("access", "Tokens: what a program shows instead of a password."),
    "audit": ("access", "The audit: who did what, when and from where."),
    "subjects": ("lifecycle.subjects", "Subjects: list them, rename, merge, share, export or erase one."),
    "sessions": ("lifecycle.sessions", "Sessions: withdraw the consent to one, or export its recording, masked."),
    "study": ("study", "Study: export the sessions of a filter as open tables, with what a paper needs."),
    "encryption": ("lifecycle.encryption", "Encryption at rest: make a key, turn it on or off."),
}
"""Each command's module, relative to this package, and the first sentence of its help."""


class RootGroup(TyperGroup):
    """The root of the command line. A command is imported when it is called or asked for."""

    def __init__(self, **attrs: Any) -> None:
        """Take what Typer gives to a group."""
        super().__init__(**attrs)
        self.commands = _Commands()  # type: ignore[assignment]
        self._lists = False

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the list of the commands without importing any.

        Args:
            ctx: The context of the call.
            formatter: Where plain text goes.
        """
        self._lists = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._lists = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands' names in the order of the list.

        Args:
            ctx: The context of the call.
        """
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; while the list is written, its name and sentence alone.

        Args:
            ctx: The context of the call.
            cmd_name: The command's name.
        """
        if self._lists:
            return TyperCommand(name=cmd_name, help=COMMANDS[cmd_name][1])
        return super().get_command(ctx, cmd_name)


class _Commands(Mapping[str, Any]):
    """The commands by name, each built when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        module, _ = COMMANDS[name]
        return _load(module)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


@cache
def _load(module: str) -> Mapping[str, Any]:
    """Import a module and build its commands."""
    part = typer.Typer(rich_markup_mode="markdown")
    part.callback()(lambda: None)  # a group, even of one command
    importlib.import_module(f"{__package__}.{module}").register(part)
    return get_group(part).commands
