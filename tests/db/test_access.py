"""Who may see and change what: every method of the store, by the wrong person and by each role."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from analysis_samples import HEALTH_TABLES, MONDAY, new_session, sample_analysis, sample_recording, sample_voice
from migrated import migrate
from sqlalchemy import text

from db.actors import Actor, Role
from db.engine import normalise_url, open_engine
from db.queries.base import Queries
from db.records import CohortFilter, Consent, ForbiddenError, JobState, NotFoundError
from db.store import Store
from db.urls import sqlite_url
from fer_phq.core.analysis import Progress, Settings, Step
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import literal
from fer_phq.core.phq import Provenance, Scale

CANARY = "Ottilie"
"""In everything that says who the person is."""
LATER = datetime(2030, 1, 1, tzinfo=UTC)
WITHOUT_PERSONS = ("accounts", "logins", "tokens", "idempotency", "audit", "workers", "settings", "encryption")
"""Groups of queries that hold no subject's data; roles are tried with them below."""


@dataclass(frozen=True)
class Clinic:
    """A store in which one person has one of everything, which belongs to the account `own`."""

    url: str
    own: Actor
    other: Actor
    ids: dict[str, Any]

    def open(self, actor: Actor) -> Store:
        return Store(self.url, actor=lambda: actor)

    def rows(self) -> dict[str, list[Any]]:
        """Everything that the tables with a person's data hold."""
        engine = open_engine(normalise_url(self.url))
        with engine.connect() as connection:
            rows = {name: sorted(map(str, connection.execute(text(f"SELECT * FROM {name}")))) for name in HEALTH_TABLES}
        engine.dispose()
        return rows


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    url = sqlite_url(tmp_path_factory.mktemp("clinic") / "fer-phq.db")
    migrate(url)
    with Store(url) as store:
        accounts = {
            name: store.accounts.create(name=name, role=Role.CLINICIAN, password="$argon2") for name in ("own", "other")
        }
    own, other = (Actor("dashboard", name, "10.0.0.1", accounts[name].id, Role.CLINICIAN) for name in ("own", "other"))
    with Store(url, actor=lambda: own) as store:
        ids = fill(store)
    ids["account_id"] = accounts["other"].id
    with Store(url, actor=lambda: other) as store:
        ids["target_id"] = store.subjects.create(label="Somebody else").id
    return Clinic(url, own, other, ids)


def fill(store: Store) -> dict[str, Any]:
    """One of everything about one person; the arguments by which the store's methods are called."""
    subject = store.subjects.create(label=f"{CANARY} S")
    store.subjects.set_tags(subject_id=subject.id, tags=["arm-b"])
    session = new_session(store, subject.id, f"{CANARY}.mov")
    consent = Consent(at=MONDAY, by=f"{CANARY}'s doctor", text_version="1")
    store.sessions.record_consent(session_id=session.id, consent=consent)
    analysis = sample_analysis(sample_recording(f"{CANARY}.mov"), voice=sample_voice())
    analysis_id = store.analyses.save(session_id=session.id, analysis=analysis)
    answers = store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[1] * 9, answered_at=MONDAY)
    store.questionnaires.acknowledge(questionnaire_id=answers.id, by=f"{CANARY}'s doctor")
    note = store.notes.add(session_id=session.id, words=f"{CANARY} weeps", tag=f"{CANARY}-tag")
    document = f"WEBVTT\n\n00:00.000 --> 00:01.000\n{CANARY} speaks\n".encode()
    store.transcripts.save(session_id=session.id, original_name=f"{CANARY}.vtt", document=document)
    event = store.events.add(subject_id=subject.id, at=MONDAY, words=f"{CANARY} moved")
    job = store.jobs.create(session_id=session.id)
    store.jobs.set_state(job_id=job.id, state=JobState.FAILED, error=literal(f"{CANARY}.mov is truncated"))
    live = store.jobs.create(session_id=session.id)
    return {
        "subject_id": subject.id,
        "subject_ids": [subject.id],
        "session_id": session.id,
        "session_ids": [session.id],
        "analysis_id": analysis_id,
        "questionnaire_id": answers.id,
        "note_id": note.id,
        "event_id": event.id,
        "job_id": live.id,
        "job_ids": [live.id],
        "workflow_id": live.workflow_id,
        "media_path": session.media_path,
        "sha256": session.media_sha256,
        "analysis": sample_analysis(sample_recording(f"{CANARY}.mov"), model_id="model-of-another"),
        "recording": sample_recording("new"),
        "recorded_at": MONDAY,
        "retain_until": LATER,
        "answered_at": MONDAY,
        "at": MONDAY,
        "now": LATER,
        "consent": consent,
        "model_id": "model-a",
        "settings": Settings(),
        "measures": {},
        "original_name": "x",
        "document": b"WEBVTT\n",
        "words": "x",
        "tags": ["x"],
        "tag": "x",
        "by": "x",
        "provenance": Provenance.SIMULATED,
        "scale": Scale.PHQ9,
        "items": [0] * 9,
        "within_days": 14.0,
        "face_kind": "face-a",
        "cohort": CohortFilter(),
        "first": "model-a",
        "second": "model-b",
        "mark": "x",
        "version": 1,
        "state": JobState.CANCELLED,
        "error": literal("x"),
        "worker": "w",
        "claim": "c",
        "progress": Progress(Step.FACES, 1, 2),
        "step_started_at": MONDAY,
        "supersedes_id": answers.id,
        "kind": "subject",
        "object_id": subject.id,
        "source_id": subject.id,
        "label": f"{CANARY} S",
        "limit": 50,
    }


def _methods_of_groups() -> dict[str, list[str]]:
    source = inspect.getsource(Store.__init__)
    module = inspect.getmodule(Store)
    groups: dict[str, list[str]] = {}
    for line in source.splitlines():
        if "(*connection)" not in line:
            continue
        name = line.split("self.")[1].split(" ")[0]
        kind = getattr(module, line.split("= ")[1].split("(")[0])
        assert issubclass(kind, Queries)
        groups[name] = [key for key, value in inspect.getmembers(kind, inspect.isfunction) if not key.startswith("_")]
    return groups


METHODS = _methods_of_groups()
OF_PERSONS = [group for group in METHODS if group not in WITHOUT_PERSONS]
NOBODY = "00000000-0000-4000-8000-000000000000"
ID_KEYS = ("subject_id", "source_id", "session_id", "analysis_id", "questionnaire_id", "note_id", "event_id", "job_id")


def call(store: Store, group: str, name: str, ids: dict[str, Any]) -> str:
    """What a method answers, as text; the sentence of its error."""
    method = getattr(getattr(store, group), name)
    given = {}
    for parameter in inspect.signature(method).parameters.values():
        if parameter.default is inspect.Parameter.empty or parameter.name.endswith("_id"):
            assert parameter.name in ids, f"{group}.{name} takes {parameter.name}: say above what it is tried with"
            given[parameter.name] = ids[parameter.name]
    try:
        return written(method(**given))
    except (NotFoundError, FerPhqError) as error:
        return f"{type(error).__name__}: {error}"


def without_ids(answer: str, ids: dict[str, Any]) -> str:
    for value in (*(ids[key] for key in ID_KEYS), NOBODY):
        answer = answer.replace(value, "ID")
    return answer


def written(answer: Any) -> str:
    return answer.to_csv() if isinstance(answer, pd.DataFrame) else repr(answer)


@pytest.mark.parametrize("group", OF_PERSONS)
def test_the_wrong_person_sees_and_changes_nothing(clinic: Clinic, group: str) -> None:
    before = clinic.rows()
    with clinic.open(clinic.other) as store:
        for name in METHODS[group]:
            answer = call(store, group, name, clinic.ids)
            assert CANARY not in without_ids(answer, clinic.ids).replace(clinic.ids["label"], ""), name
            if name != "get_or_create":  # it makes a person of the label, once
                other_answer = call(store, group, name, clinic.ids | dict.fromkeys(ID_KEYS, NOBODY))
                assert without_ids(answer, clinic.ids) == without_ids(other_answer, clinic.ids), name
    for table, rows in clinic.rows().items():
        assert set(before[table]) <= set(rows), "nothing of the person is changed"
        added = " ".join(set(rows) - set(before[table]))
        assert not any(clinic.ids[key] in added for key in ID_KEYS)


def test_the_owner_sees_everything(clinic: Clinic) -> None:
    with clinic.open(clinic.own) as store:
        assert store.sessions.get_detail(session_id=clinic.ids["session_id"]).session.original_name == f"{CANARY}.mov"
        assert store.notes.list_by_session(session_id=clinic.ids["session_id"])
        assert [summary.label for summary in store.subjects.list_all()] == [f"{CANARY} S"]
        assert store.transcripts.get(session_id=clinic.ids["session_id"]) is not None
        assert store.analyses.frames(analysis_id=clinic.ids["analysis_id"]).shape[0] > 0


def test_a_shared_subject_is_seen_until_it_is_not(clinic: Clinic) -> None:
    ids = {"subject_id": clinic.ids["subject_id"], "account_id": clinic.ids["account_id"]}
    with clinic.open(clinic.own) as mine, clinic.open(clinic.other) as theirs:
        with pytest.raises(NotFoundError):
            theirs.shares.add(**ids)
        mine.shares.add(**ids)
        assert theirs.subjects.get(subject_id=ids["subject_id"]).label == f"{CANARY} S"
        assert [share.owner for share in mine.shares.list_of(subject_id=ids["subject_id"])] == [True, False]
        mine.shares.remove(**ids)
        with pytest.raises(NotFoundError):
            theirs.subjects.get(subject_id=ids["subject_id"])


@pytest.mark.parametrize("group", OF_PERSONS)
def test_a_researcher_reads_pseudonyms_and_changes_nothing(clinic: Clinic, group: str) -> None:
    before = clinic.rows()
    researcher = Actor("dashboard", "res", "10.0.0.2", "researcher", Role.RESEARCHER)
    with clinic.open(researcher) as store:
        for name in METHODS[group]:
            assert CANARY not in call(store, group, name, clinic.ids).replace(clinic.ids["label"], ""), name
    assert clinic.rows() == before


def test_a_researcher_finds_a_person_by_the_pseudonym_alone(clinic: Clinic) -> None:
    with clinic.open(Actor("dashboard", "res", "", "researcher", Role.RESEARCHER)) as store:
        summaries = {summary.id: summary.label for summary in store.subjects.list_all()}
        pseudonym = summaries[clinic.ids["subject_id"]]
        assert pseudonym.startswith("R-")
        assert store.subjects.find(label=f"{CANARY} S") is None
        subject = store.subjects.find(label=pseudonym)
        assert subject is not None
        assert (subject.id, subject.label) == (clinic.ids["subject_id"], pseudonym)
        assert store.sessions.get(session_id=clinic.ids["session_id"]).media_path is None
        assert store.analyses.frames(analysis_id=clinic.ids["analysis_id"]).shape[0] > 0


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESEARCHER])
def test_roles_that_read_change_nothing(clinic: Clinic, role: Role) -> None:
    with clinic.open(Actor("dashboard", "v", "", clinic.own.account_id, role)) as store:
        with pytest.raises(ForbiddenError, match="ask an administrator"):
            store.subjects.create(label="New")
        with pytest.raises(ForbiddenError):
            store.notes.add(session_id=clinic.ids["session_id"], words="x")
        with pytest.raises(ForbiddenError):
            store.erasure.erase_subject(subject_id=clinic.ids["subject_id"])
        with pytest.raises(ForbiddenError):
            store.erasure.plan_subject(subject_id=clinic.ids["subject_id"])
        with pytest.raises(ForbiddenError):
            store.erasure.plan_session(session_id=clinic.ids["session_id"])
        with pytest.raises(ForbiddenError):
            store.merging.plan(source_id=clinic.ids["subject_id"], target_id=clinic.ids["target_id"])


ADMINISTRATION: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("accounts", "create", {"name": "n", "role": Role.ADMINISTRATOR}),
    ("accounts", "list_all", {}),
    ("accounts", "set_password", {"name": "own", "password": "x"}),
    ("accounts", "set_identity", {"name": "own", "identity": "own@clinic.example"}),
    ("accounts", "set_role", {"name": "other", "role": Role.ADMINISTRATOR}),
    ("accounts", "set_disabled", {"name": "own", "disabled": True}),
    ("tokens", "create", {"account_id": "a", "name": "n", "digest": "d", "scopes": ["read"], "expires_at": LATER}),
    ("tokens", "list_all", {}),
    ("tokens", "revoke", {"token_id": "t"}),
    ("audit", "list_newest", {}),
    ("audit", "check_chain", {}),
    ("settings", "set", {"key": "fps", "value": "1"}),
    ("encryption", "begin", {"on": True}),
    ("encryption", "convert_rows", {}),
    ("encryption", "finish", {}),
)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CLINICIAN, Role.RESEARCHER])
@pytest.mark.parametrize(("group", "name", "arguments"), ADMINISTRATION)
def test_only_administrators_administer(
    clinic: Clinic, role: Role, group: str, name: str, arguments: dict[str, Any]
) -> None:
    actor = Actor("dashboard", "own", "", clinic.own.account_id, role)
    with clinic.open(actor) as store, pytest.raises(ForbiddenError):
        getattr(getattr(store, group), name)(**arguments)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = sqlite_url(tmp_path / "fer-phq.db")
    migrate(url)
    with Store(url) as opened:
        yield opened


def test_a_login_ends_by_time_by_disuse_by_logout_and_with_its_account(store: Store) -> None:
    account = store.accounts.create(name="Dr M", role=Role.CLINICIAN, password="$argon2")
    store.accounts.create(name="Admin", role=Role.ADMINISTRATOR, password="$argon2")
    hour = timedelta(hours=1)
    for digest, lasts in (("used", hour), ("over", -hour), ("closed", hour)):
        store.logins.open(account_id=account.id, digest=digest, lasts=lasts)
    assert store.logins.find(digest="used", idle=hour) == account
    assert store.logins.find(digest="used", idle=-hour) is None
    assert store.logins.find(digest="over", idle=hour) is None
    store.logins.close(digest="closed")
    assert store.logins.find(digest="closed", idle=hour) is None
    store.accounts.set_disabled(name="dr m", disabled=True)
    assert store.logins.find(digest="used", idle=hour) is None
    assert store.accounts.password_of(name="Dr M") is None
    with pytest.raises(FerPhqError, match="last administrator"):
        store.accounts.set_disabled(name="admin", disabled=True)


def test_names_of_accounts_do_not_differ_in_capitals_alone(store: Store) -> None:
    store.accounts.create(name="Dr M", role=Role.CLINICIAN)
    with pytest.raises(FerPhqError, match="exists already"):
        store.accounts.create(name="DR M", role=Role.CLINICIAN)


def test_an_account_is_bound_to_the_first_person_whom_the_provider_names(store: Store) -> None:
    account = store.accounts.create(name="Dr M", role=Role.CLINICIAN, identity="m@clinic.example")
    bound = {"issuer": "https://login.example", "subject": "1"}
    assert store.accounts.recognise(**bound, identity=None) is None
    assert store.accounts.recognise(**bound, identity="m@clinic.example") == account
    assert store.accounts.recognise(**bound, identity=None) == account
    for other in (bound | {"subject": "2"}, bound | {"issuer": "https://other.example"}):
        assert store.accounts.recognise(**other, identity="m@clinic.example") is None
    store.accounts.set_identity(name="Dr M", identity="m@clinic.example")
    assert store.accounts.recognise(**bound, identity=None) is None
    with pytest.raises(FerPhqError, match="logs in to another account already"):
        store.accounts.create(name="Dr N", role=Role.CLINICIAN, identity="m@clinic.example")


def test_a_token_ends_by_time_and_when_revoked(store: Store) -> None:
    account = store.accounts.create(name="Dr M", role=Role.CLINICIAN)
    now = datetime.now(UTC)
    token = store.tokens.create(
        account_id=account.id, name="script", digest="d", scopes=["upload", "read"], expires_at=now + timedelta(days=1)
    )
    store.tokens.create(account_id=account.id, name="old", digest="o", scopes=["read"], expires_at=now)
    assert store.tokens.find(digest="d") == (account, ("read", "upload"))
    assert store.tokens.find(digest="o") is None
    store.tokens.revoke(token_id=token.id)
    assert store.tokens.find(digest="d") is None
