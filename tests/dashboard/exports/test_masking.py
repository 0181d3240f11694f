"""The masked recording on the Session page: drawn for who may change the session, with its limits and its file."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from shown_pages import WHEN, html_of, open_page, words
from synthetic_sessions import recording_info

from db.actors import Role
from db.records import SessionRecord
from db.store import Store
from fer_phq.core.messages import to_json
from fer_phq.masking import messages as masking_messages
from service.access.control import COOKIE, AccessControl
from service.access.passwords import hash_password
from service.lifecycle.task_files import REPORT_SUFFIX, masked_path
from service.settings import AppSettings

LIMITS = "This is not anonymity"


def recorded(store: Store) -> SessionRecord:
    """The newest session that has a recording."""
    return next(row.session for row in store.sessions.list_recent(limit=50) if row.session.media_path is not None)


def test_the_page_offers_it_and_hands_out_what_was_made(filled: AppSettings, store: Store) -> None:
    session = recorded(store)
    app = open_page("session", session=session.id)
    assert LIMITS in words(app)
    assert any(button.label == "Mask the recording" for button in app.button)
    path = masked_path(filled, session.id)
    path.parent.mkdir()
    path.write_bytes(b"masked")
    state = {"name": session.id, "what": "masking", "arguments": [], "leftovers": [], "state": "done"}
    (path.parent / "state.json").write_text(json.dumps(state | {"started_at": datetime.now(UTC).isoformat()}))
    gap = masking_messages.LONGEST_GAP(length_s=7.5, start_s=12.0)
    path.with_suffix(REPORT_SUFFIX).write_text(json.dumps([to_json(gap)]))
    app = open_page("session", session=session.id)
    assert "Download the masked recording" in words(app)
    assert "without a detected face lasts 7.5 s, from 12.0 s on" in html_of(app)
    without_consent = store.sessions.create(
        subject_id=session.subject_id,
        recorded_at=WHEN,
        recording=recording_info(9, 60),
        original_name="one.mp4",
        media_path=session.media_path,
        consent=None,
    )
    app = open_page("session", session=without_consent.id)
    assert "so its recording is not exported" in html_of(app)
    assert not any(button.label == "Mask the recording" for button in app.button)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESEARCHER])
def test_who_changes_nothing_is_not_offered_it(
    filled: AppSettings, store: Store, cookies: dict[str, str], role: Role
) -> None:
    session = recorded(store)
    account = store.accounts.create(name="Reader", role=role, password=hash_password("a long password"))
    store.shares.add(subject_id=session.subject_id, account_id=account.id)
    cookies[COOKIE] = AccessControl(filled, store).log_in("Reader", "a long password", "192.0.2.1")
    assert LIMITS not in words(open_page("session", session=session.id))
