"""What each role sees on the pages, logged in with a real login of a real account."""

from __future__ import annotations

import pytest
from shown_pages import MAIN, calm, open_page, words
from streamlit.testing.v1 import AppTest

from dashboard import context
from db.actors import Role
from db.records import SubjectSummary
from db.store import Store
from service.access.accounts import add_account
from service.access.control import COOKIE
from service.settings import AppSettings

PASSWORD = "correct horse battery"
PAGES = ["home", "session", "trends", "cohort", "questionnaire", "models", "settings", "new_session", "live"]


@pytest.fixture
def subject(filled: AppSettings, store: Store) -> SubjectSummary:
    """A person of the filled installation, whose pages are asked for."""
    add_account(store, "Admin", Role.ADMINISTRATOR, PASSWORD)
    return next(summary for summary in store.subjects.list_all() if summary.label == "DEMO-02")


def log_in(store: Store, cookies: dict[str, str], role: Role) -> str:
    """Log in as an account of a role; its id."""
    account = store.accounts.get(name="Admin")
    if role is not Role.ADMINISTRATOR:
        account = add_account(store, f"A {role}", role, PASSWORD)
    cookies[COOKIE] = context.control().log_in(account.name, PASSWORD, "192.0.2.1")
    return account.id


def said(app: AppTest) -> str:
    """Everything that a page says or offers."""
    options = " ".join(str(getattr(node, "options", "")) for node in app.main)
    return f"{words(app)} {options}"


@pytest.mark.parametrize("page", PAGES)
def test_a_clinician_sees_nothing_of_other_peoples_subjects(
    subject: SubjectSummary, store: Store, cookies: dict[str, str], page: str
) -> None:
    log_in(store, cookies, Role.CLINICIAN)
    session_id = store.sessions.list_recent(subject_id=subject.id)[0].session.id
    for query in ({}, {"subject": subject.id}):
        assert "DEMO-" not in said(open_page(page, **query))
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.switch_page("app_pages/session.py")
    app.query_params["session"] = session_id
    assert "DEMO-" not in said(app.run())


def test_a_shared_subject_is_there_and_its_reading_is_in_the_audit(
    subject: SubjectSummary, store: Store, cookies: dict[str, str]
) -> None:
    account_id = log_in(store, cookies, Role.VIEWER)
    store.shares.add(subject_id=subject.id, account_id=account_id)
    session_id = store.sessions.list_recent(subject_id=subject.id)[0].session.id
    shown = said(open_page("session", session=session_id))
    assert "DEMO-02" in shown
    assert "DEMO-01" not in shown
    reads = [(line.object_kind, line.object_id) for line in store.audit.list_newest() if line.action == "read"]
    assert set(reads) == {("subject", subject.id), ("session", session_id)}
    assert {line.by for line in store.audit.list_newest() if line.action == "read"} == {"A viewer"}


@pytest.mark.parametrize("page", PAGES)
def test_a_researcher_sees_pseudonyms(
    subject: SubjectSummary, store: Store, cookies: dict[str, str], page: str
) -> None:
    log_in(store, cookies, Role.RESEARCHER)
    shown = said(open_page(page, subject=subject.id))
    assert "DEMO-0" not in shown
    if page in ("home", "trends", "cohort"):
        assert "R-" in shown


def test_nothing_is_drawn_once_the_login_has_ended(
    subject: SubjectSummary, store: Store, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.access.control.REMEMBER_S", 0.0)
    log_in(store, cookies, Role.ADMINISTRATOR)
    app = open_page("trends", subject=subject.id)
    assert "DEMO-02" in said(app)
    context.control().log_out(cookies[COOKIE])
    shown = said(app.run())
    assert "DEMO-" not in shown
    assert "Your login has ended" in shown


def test_the_account_signs_what_it_enters(subject: SubjectSummary, store: Store, cookies: dict[str, str]) -> None:
    log_in(store, cookies, Role.ADMINISTRATOR)
    app = open_page("settings")
    (by,) = [box for box in app.text_input if box.label == "Changed by"]
    assert (by.value, by.disabled) == ("Admin", True)
    assert "Logged in as Admin" in said(app)


def test_a_subject_is_shared_on_its_page(subject: SubjectSummary, store: Store, cookies: dict[str, str]) -> None:
    log_in(store, cookies, Role.ADMINISTRATOR)
    other = add_account(store, "Dr M", Role.CLINICIAN, PASSWORD)
    app = open_page("trends", subject=subject.id)
    for name, count in (("Nobody", 0), ("dr m", 1)):
        next(box for box in app.text_input if box.label == "Name of the account").set_value(name)
        next(button for button in app.button if button.label == "Share").click()
        app.run()
        assert not app.exception
        assert len(store.shares.list_of(subject_id=subject.id)) == count
    next(button for button in app.button if button.key == f"unshare_{other.id}").click()
    calm(app.run())
    assert store.shares.list_of(subject_id=subject.id) == []


@pytest.mark.parametrize("role", list(Role))
def test_only_administrators_read_the_audit(
    subject: SubjectSummary, store: Store, cookies: dict[str, str], role: Role
) -> None:
    log_in(store, cookies, role)
    app = open_page("settings")
    keys = [button.key for button in app.button]
    assert ("check_audit" in keys) == (role is Role.ADMINISTRATOR)
    assert ("fer-phq users" in said(app)) == (role is Role.ADMINISTRATOR)
    assert ("knows who everybody is" in said(app)) == (role is Role.ADMINISTRATOR)
    if role is Role.ADMINISTRATOR:
        next(button for button in app.button if button.key == "check_audit").click()
        assert "entries are whole" in said(calm(app.run()))
