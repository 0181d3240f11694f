"""`fer-phq subjects` on a store of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from migrated import migrate
from typer.testing import CliRunner, Result

from db.store import Store
from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Scale
from service import cli
from service.settings import load_settings

WHEN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(tmp_path / "data"))
    url = load_settings().database_url
    migrate(url)
    with Store(url) as opened:
        yield opened


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)


def test_a_merging_says_what_becomes_of_what_both_have(store: Store) -> None:
    for label in ("P01-again", "P01"):
        subject = store.subjects.create(label=label)
        store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ8, items=[1] * 8, answered_at=WHEN)
    outcome = run("subjects", "merge", "P01-again", "P01", "--yes").stdout
    assert "1 questionnaire is of both and counts once" in outcome
    assert "Merged: 0 sessions, 0 questionnaires, 0 events." in outcome
    assert len(store.questionnaires.list_by_subject(subject_id=subject.id)) == 1


def entries(store: Store) -> list[tuple[str, str, str]]:
    return [(entry.action, entry.object_kind, entry.object_id) for entry in store.audit.list_newest()]


def test_reads_by_the_command_line_are_in_the_audit(store: Store, tmp_path: Path) -> None:
    subject = store.subjects.create(label="P01")
    run("subjects", "list")
    assert ("read", "subject", "all") in entries(store)
    with pytest.raises(FerPhqError, match="not the label"):  # nothing is typed
        run("subjects", "erase", "P01")
    assert ("read", "subject", subject.id) in entries(store)
    run("subjects", "export", "P01", "--out", str(tmp_path / "out"))
    assert ("export", "subject", subject.id) in entries(store)
    run("backup", str(tmp_path / "backup.zip"))
    assert ("export", "installation", "all") in entries(store)
