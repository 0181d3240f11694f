"""The page Live, drawn by Streamlit's own test runner: for whom something may be kept, and what is noted of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from shown_pages import calm, html_of, open_page, words
from streamlit.testing.v1 import AppTest

from dashboard import context
from dashboard.components.live import Capture
from dashboard.live.capture import BATCH, note_picture
from dashboard.new_session.batch import Batch, Origin
from db.actors import Role
from db.store import Store
from service.access.accounts import add_account
from service.access.control import COOKIE
from service.ingest.session_details import SessionDetails, create_upload_grant
from service.settings import AppSettings

DETAILS = SessionDetails("P-001", None, consent_by="AB", retain_until=None)
PASSWORD = "correct horse battery"


def allowed_page() -> AppTest:
    """The page after somebody entered there for whom something may be kept."""
    app = open_page("live")
    app.session_state[BATCH] = Batch(Origin.CAMERA, DETAILS)
    return calm(app.run())


def capture_of(settings: AppSettings, store: Store) -> Capture:
    return Capture(create_upload_grant(settings, store, DETAILS, datetime.now(UTC)), "P-001", "AB")


def told(settings: AppSettings, capture: Capture | None) -> None:
    """The page's script when a browser says that it kept a picture."""
    app = AppTest.from_function(_telling, args=(note_picture, settings, capture, BATCH, Batch(Origin.CAMERA, DETAILS)))
    calm(app.run())


def _telling(note, settings, capture, key, batch) -> None:  # type: ignore[no-untyped-def]
    import streamlit as st

    st.session_state[key] = batch
    note(settings, capture)


def exports(store: Store) -> list[str]:
    return [entry.object_id for entry in store.audit.list_newest() if entry.action == "export"]


def test_nothing_is_kept_for_a_subject_who_was_erased_elsewhere(installation: AppSettings, store: Store) -> None:
    app = allowed_page()
    assert "Consent recorded by AB" in words(app)
    (subject,) = store.subjects.list_all()
    store.erasure.erase_subject(subject_id=subject.id)
    calm(app.run())
    assert "The subject P-001 is not there any more" in html_of(app)
    assert "Allow to keep" in [button.label for button in app.button]
    assert store.subjects.list_all() == [], "the page does not make the subject anew"
    app.session_state[BATCH] = Batch(Origin.CAMERA, DETAILS)
    assert "not there any more" not in html_of(calm(app.run()))


def test_a_kept_picture_is_noted_for_its_subject(installation: AppSettings, store: Store) -> None:
    capture = capture_of(installation, store)
    told(installation, capture)
    assert exports(store) == [capture.grant.subject_id]


def test_a_browser_that_may_keep_nothing_notes_nothing(installation: AppSettings, store: Store) -> None:
    told(installation, None)
    assert exports(store) == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESEARCHER])
def test_a_reader_notes_nothing(installation: AppSettings, store: Store, cookies: dict[str, str], role: Role) -> None:
    capture = capture_of(installation, store)
    add_account(store, "Admin", Role.ADMINISTRATOR, PASSWORD)
    add_account(store, "Reader", role, PASSWORD)
    cookies[COOKIE] = context.control().log_in("Reader", PASSWORD, "192.0.2.1")
    told(installation, capture)
    assert exports(store) == []


def test_a_picture_of_a_subject_who_was_erased_meanwhile_is_to_be_deleted(
    installation: AppSettings, store: Store
) -> None:
    app = allowed_page()
    (subject,) = store.subjects.list_all()
    store.erasure.erase_subject(subject_id=subject.id)
    capture = Capture(app.session_state[f"{BATCH}_grants"][1][""], "P-001", "AB")
    noting = AppTest.from_function(_noting, args=(note_picture, installation, capture))
    for key in (BATCH, f"{BATCH}_grants"):
        noting.session_state[key] = app.session_state[key]
    calm(noting.run())
    assert exports(store) == []
    for key in ("live_subject_gone", "live_stale_picture"):
        app.session_state[key] = noting.session_state[key]
    assert "delete the picture" in html_of(calm(app.run()))


def _noting(note, settings, capture) -> None:  # type: ignore[no-untyped-def]
    note(settings, capture)
