"""What an installation says of itself, and the erasure of sessions whose retention has ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from recordings import Recordings

import fer_phq
from db.migrate import head_revision
from db.records import SubjectRecord
from db.store import Store
from service.ingest.recordings import add_recording
from service.settings import AppSettings
from service.views import installation
from service.views.installation import erase_overdue, load_installation_view, overdue_sessions

NOW = datetime(2026, 5, 6, tzinfo=UTC)


def test_an_installation_says_what_it_is(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    before = load_installation_view(settings, store)
    assert (before.sessions, before.subjects, before.recordings_bytes) == (0, 1, 0)
    source = recordings(seconds=1)
    add_recording(settings, store, source, subject_id=subject.id, recorded_at=NOW)
    found = load_installation_view(settings, store)
    assert (found.sessions, found.recordings_bytes) == (1, source.stat().st_size)
    assert (found.database, found.schema) == ("SQLite", head_revision())
    assert found.database_bytes is not None
    assert found.database_bytes > 0
    assert found.free_bytes > 0
    assert dict(found.versions)["streamlit"][0].isdigit()
    assert found.versions[0] == ("fer-phq", fer_phq.__version__)


def test_a_package_that_is_not_installed_is_left_out(
    settings: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "PACKAGES", ("streamlit", "a_package_that_nobody_has"))
    names = [name for name, _ in load_installation_view(settings, store).versions]
    assert names == ["fer-phq", "Python", "streamlit"]


def test_only_sessions_past_their_retention_are_erased(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    times = [NOW - timedelta(days=1), NOW + timedelta(days=1), None]
    sessions = [
        add_recording(
            settings,
            store,
            recordings(seconds=1, fps=6 + k),
            subject_id=subject.id,
            recorded_at=NOW,
            retain_until=until,
        ).session_id
        for k, until in enumerate(times)
    ]
    overdue = [(one.session.id, one.subject_label) for one in overdue_sessions(store) if one.session.retain_until]
    assert (sessions[0], "S-01") in overdue
    erased = erase_overdue(settings, store, NOW)
    assert (erased.sessions, erased.files) == (1, 1)
    assert {row.session.id for row in store.sessions.list_recent()} == set(sessions[1:])
    assert erase_overdue(settings, store, NOW).sessions == 0
