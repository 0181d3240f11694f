"""The audit's chain: whole after anything that the store does, and broken where somebody changed it by hand."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from analysis_samples import MONDAY
from sqlalchemy import text

from db.actors import Actor, Role
from db.engine import normalise_url, open_engine
from db.store import Store
from fer_phq.core.phq import Scale


def by_hand(url: str, *statements: str) -> None:
    """Change the audit as somebody does who has the database and no scruples."""
    engine = open_engine(normalise_url(url))
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER audit_written_once"))
            connection.execute(text("DROP TRIGGER audit_never_removed"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_written_once"))
        for statement in statements:
            connection.execute(text(statement))
        if engine.dialect.name != "sqlite":
            connection.execute(text("ALTER TABLE audit ENABLE TRIGGER audit_written_once"))
    engine.dispose()


def write_some(store: Store, count: int = 5) -> None:
    for number in range(count):
        subject = store.subjects.create(label=f"{threading.get_ident()} {number}")
        store.subjects.set_tags(subject_id=subject.id, tags=["x"])


def test_the_chain_is_whole_however_many_write(url: str, store: Store) -> None:
    writers = [threading.Thread(target=write_some, args=(store,)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    check = store.audit.check_chain()
    assert (check.entries, check.whole, check.missing) == (40, True, 0)
    assert check.digest == next(row for row in digests(url))


def digests(url: str) -> list[str]:
    engine = open_engine(normalise_url(url))
    with engine.connect() as connection:
        rows = [row.digest for row in connection.execute(text("SELECT digest FROM audit ORDER BY id DESC"))]
    engine.dispose()
    return rows


@pytest.mark.parametrize(
    ("statement", "broken_id"),
    [
        ("UPDATE audit SET detail = 'nothing happened' WHERE id = (SELECT min(id) + 3 FROM audit)", 3),
        ("UPDATE audit SET at = (SELECT min(at) FROM audit) WHERE id = (SELECT min(id) + 5 FROM audit)", 5),
        ("UPDATE audit SET origin = '10.0.0.9' WHERE id = (SELECT min(id) + 2 FROM audit)", 2),
        ("DELETE FROM audit WHERE id = (SELECT min(id) + 4 FROM audit)", 5),
    ],
)
def test_a_change_by_hand_shows(url: str, store: Store, statement: str, broken_id: int) -> None:
    write_some(store)
    first_id = store.audit.list_newest()[-1].id
    by_hand(url, statement)
    check = store.audit.check_chain()
    assert not check.whole
    assert check.broken_id == first_id + broken_id


def test_entries_removed_from_the_end_show(url: str, store: Store) -> None:
    write_some(store)
    by_hand(url, "DELETE FROM audit WHERE id > (SELECT max(id) - 2 FROM audit)")
    assert (store.audit.check_chain().missing, store.audit.check_chain().whole) == (2, False)


def test_entries_are_neither_changed_nor_removed(url: str, store: Store) -> None:
    write_some(store)
    engine = open_engine(normalise_url(url))
    for statement in ("UPDATE audit SET detail = 'x'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="rows of audit are never changed"), engine.begin() as connection:
            connection.execute(text(statement))
    engine.dispose()
    assert store.audit.check_chain().whole


def test_an_erased_name_leaves_its_entries_and_a_whole_chain(url: str, store: Store) -> None:
    subject = store.subjects.create(label="Ottilie")
    answers = {"scale": Scale.PHQ8, "items": [1] * 8, "answered_at": MONDAY}
    store.questionnaires.save(subject_id=subject.id, **answers, by="ottilie ")
    store.questionnaires.save(subject_id=subject.id, **answers, by="Dr M")
    assert [line.by for line in store.audit.list_newest(object_kind="questionnaire")] == ["Dr M", "ottilie"]
    store.erasure.erase_subject(subject_id=subject.id)
    assert [line.by for line in store.audit.list_newest(object_kind="questionnaire")] == ["Dr M", ""]
    assert store.audit.check_chain().whole


def test_an_account_is_named_whatever_a_page_says(store: Store, url: str) -> None:
    account = store.accounts.create(name="Dr M", role=Role.CLINICIAN)
    actor = Actor("dashboard", account.name, "192.0.2.7", account.id, account.role)
    with Store(url, actor=lambda: actor) as opened:
        subject = opened.subjects.create(label="A")
        opened.questionnaires.save(
            subject_id=subject.id, scale=Scale.PHQ8, items=[1] * 8, answered_at=MONDAY, by="Somebody else"
        )
        opened.audit.add(action="read", object_kind="subject", object_id=subject.id)
    lines = store.audit.list_newest(limit=3)
    assert {(line.actor, line.by, line.origin) for line in lines} == {("dashboard", "Dr M", "192.0.2.7")}
    assert lines[0].action == "read"


def test_entries_are_read_by_time(store: Store) -> None:
    write_some(store)
    now = datetime.now(UTC)
    assert store.audit.list_newest(since=now + timedelta(hours=1)) == []
    assert len(store.audit.list_newest(until=now + timedelta(hours=1))) == 10
    entries = list(store.audit.iterate())
    assert [entry.id for entry in entries] == sorted(entry.id for entry in store.audit.list_newest())
