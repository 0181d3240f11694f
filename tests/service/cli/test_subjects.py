"""`fer-phq subjects` on a store of its own."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from migrated import migrate
from typer.testing import CliRunner, Result

from db.actors import Actor, Role
from db.records import ForbiddenError
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
    assert subject.id in run("subjects", "list").stdout, "whole, however narrow the terminal is"
    assert ("read", "subject", "all") in entries(store)
    with pytest.raises(FerPhqError, match="not the label"):  # nothing is typed
        run("subjects", "erase", "P01")
    assert ("read", "subject", subject.id) in entries(store)
    run("subjects", "export", "P01", "--out", str(tmp_path / "out"))
    assert ("export", "subject", subject.id) in entries(store)
    run("backup", str(tmp_path / "backup.zip"))
    assert ("export", "installation", "all") in entries(store)


def test_the_key_of_the_pseudonyms_is_its_owners_and_in_the_audit(store: Store, tmp_path: Path) -> None:
    subject = store.subjects.create(label="=P01")
    out = tmp_path / "key.csv"
    assert "1 pseudonyms are in" in run("subjects", "pseudonyms", "--out", str(out)).stdout
    assert out.stat().st_mode & 0o777 == 0o600
    (row,) = list(csv.DictReader(out.open(encoding="utf-8")))
    assert (row["label"], row["id"]) == ("'=P01", subject.id)
    researcher = Actor("dashboard", "res", "", "res", Role.RESEARCHER)
    with Store(load_settings().database_url, actor=lambda: researcher) as limited:
        found = limited.subjects.find(label=row["pseudonym"])
        assert found is not None
        assert found.id == subject.id
    assert ("export", "pseudonyms", "all") in entries(store)
    with pytest.raises(FerPhqError, match="cannot be written"):
        run("subjects", "pseudonyms", "--out", str(out))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CLINICIAN, Role.RESEARCHER])
def test_the_key_of_the_pseudonyms_is_for_administrators(store: Store, role: Role) -> None:
    store.subjects.create(label="P01")
    actor = Actor("dashboard", "x", "", "x", role)
    with Store(load_settings().database_url, actor=lambda: actor) as limited, pytest.raises(ForbiddenError):
        limited.subjects.list_pseudonyms()
    assert ("refuse", "role", str(role)) in entries(store)
