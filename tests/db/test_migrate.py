"""The schema: up from empty on both databases, the same as the tables in code, and safe with several processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from analysis_samples import MONDAY, new_session, sample_analysis, sample_recording, sample_voice
from postgres_server import Server
from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.exc import IntegrityError

from db.engine import normalise_url, open_engine
from db.migrate import alembic_config, current_revision, head_revision, upgrade
from db.records import AttentionKind, JobState
from db.store import Store
from db.tables import Base
from db.urls import default_url, sqlite_url
from fer_phq.core.analysis import Settings, Timing
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import StoreError
from fer_phq.core.messages import Message, literal
from fer_phq.core.phq import Modality, PhqEstimate, PhqUnavailable, Provenance, Scale, UnavailableReason


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = open_engine(normalise_url(url))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def test_up_from_empty_and_again(empty_url: str) -> None:
    assert current_revision(empty_url) is None
    assert upgrade(empty_url) == head_revision() == current_revision(empty_url)
    assert upgrade(empty_url) == head_revision()
    with connected(empty_url) as connection:
        assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}


def test_migrations_give_the_tables_of_the_code(url: str) -> None:
    with connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def schema_of(connection: Connection) -> set[tuple[str, ...]]:
    """Every table, index and constraint as the database words it: compare_metadata does not look at CHECKs."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger'"
    else:
        query = (
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
            " UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        )
    rows = connection.execute(text(query)).all()
    return {(name, normal_ddl(sql)) for name, sql in rows if "alembic_version" not in name and "sqlite_" not in name}


def normal_ddl(sql: str) -> str:
    """A CREATE statement as its sorted parts: columns and constraints in any order, spaces aside."""
    lines = [" ".join(line.split()).rstrip(",") for line in sql.replace('"', "").splitlines()]
    # ALTER TABLE puts a new column on the line of the last one, where the statement then ends.
    parts = [part.strip() for line in lines for part in ([line] if "(" in line else line.split(","))]
    parts = [part if part.count("(") >= part.count(")") else part.removesuffix(")") for part in parts]
    return "\n".join(sorted(part for part in parts if part))


def test_constraints_and_indexes_are_those_of_the_code(
    url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if url.startswith("sqlite"):
        fresh = sqlite_url(tmp_path / "created.db")
    else:
        server: Server = request.getfixturevalue("postgres")
        fresh = server.new_database()
    with connected(fresh) as connection:
        Base.metadata.create_all(connection)
        expected = schema_of(connection)
    with connected(url) as connection:
        assert schema_of(connection) == expected


UPGRADE = """
import os, sys
from db.migrate import upgrade
gate, opener = os.pipe()
children = []
for _ in range(4):
    if not (child := os.fork()):
        os.close(opener)
        os.read(gate, 1)  # returns for all of them together, when the parent closes its end
        print(upgrade(sys.argv[1]), flush=True)
        os._exit(0)
    children.append(child)
os.close(opener)
for child in children:
    os.waitpid(child, 0)
"""


def test_processes_that_upgrade_together(empty_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UPGRADE, empty_url],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.split() == [head_revision()] * 4, done.stderr
    with Store(empty_url) as store:
        assert store.subjects.list_all() == []


def test_failed_migration_leaves_nothing(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        Path(normalise_url(empty_url).database or "").parent.mkdir(parents=True)
    with connected(empty_url) as connection:
        connection.execute(text("CREATE TABLE settings (mine INTEGER)"))
    with pytest.raises(StoreError, match="settings"):
        upgrade(empty_url)
    assert current_revision(empty_url) is None
    with connected(empty_url) as connection:
        assert set(inspect(connection).get_table_names()) <= {"settings"}


def test_newer_database_is_refused_in_one_sentence(url: str) -> None:
    with connected(url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"made by a newer fer-phq \(schema 9999\): install that version\.$"):
        Store(url)
    with pytest.raises(StoreError, match="newer fer-phq"):
        upgrade(url)


def test_database_without_migrations_says_what_to_run(empty_url: str) -> None:
    with pytest.raises(StoreError, match="run `fer-phq db upgrade`"):
        Store(empty_url)
    if empty_url.startswith("sqlite"):
        assert not Path(normalise_url(empty_url).database or "").exists()


def test_older_schema_says_what_to_run(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = head_revision()
    monkeypatch.setattr("db.migrate.head_revision", lambda: "0999")
    with pytest.raises(StoreError, match=f"has schema {now} and this fer-phq needs 0999: run `fer-phq db upgrade`"):
        Store(url)


HASH_OF_0001 = "fc277b5094a1de750a4e81e704f58eb6399baec04c79d039a8b61bef95e8da8c"
"""What databases at 0001 hold for an analysis with the default settings."""


def fill_0001(connection: Connection) -> None:
    """A session at schema 0001 with an analysis `scored` that a job made, and an analysis `faceless`."""
    tables = MetaData()
    tables.reflect(connection)

    def add(table: str, **values: object) -> None:
        connection.execute(tables.tables[table].insert(), values)

    info = sample_recording()
    add("subjects", id="subject", label="S", is_demo=False, created_at=MONDAY)
    about = {name: value for name, value in vars(info).items() if name not in ("path", "sha256")}
    session = {"id": "session", "subject_id": "subject", "media_sha256": info.sha256, "original_name": "session.mp4"}
    add("sessions", **session, **about, recorded_at=MONDAY, is_demo=False, created_at=MONDAY)
    shared = {
        **{"session_id": "session", "settings": asdict(Settings()), "settings_hash": HASH_OF_0001, "fps": 2.0},
        **{"key_frames": False, "warnings": ["it is dark"], "tracks": [], "created_at": MONDAY},
        "timing": asdict(Timing(decode=1.0, detect=2.0, embed=0.5, heads=0.01)),
    }
    scored = {
        **dict.fromkeys(EMOTIONS, 0.125) | {"neutral": 0.25, "dominant_emotion": "neutral"},
        **{"phq_score": 7.0, "phq_low": 4.0, "phq_high": 10.0, "phq_level": 0.9, "phq_scale": "PHQ-8"},
        **{"phq_provenance": "simulated", "phq_model_id": "model-a", "phq_detail": ""},
        **{"frames_sampled": 1, "frames_with_face": 1, "coverage": 1.0},
    }
    faceless = {"frames_sampled": 0, "frames_with_face": 0, "coverage": 0.0, "phq_unavailable": "no_face"}
    add("analyses", id="scored", model_id="model-a", **scored, **shared)
    add("analyses", id="faceless", model_id="model-b", **faceless, phq_detail="nobody is there", **shared)
    face = dict.fromkeys((*EMOTIONS, "x0", "y0", "x1", "y1", "detection_score"), 0.5)
    add("frames", analysis_id="scored", idx=0, time_s=0.25, landmarks=bytes(40), quality=0.5, **face)
    add("embeddings", analysis_id="scored", dim=2, rows=1, embeddings=b"\0<\0@", time_s=np.array([0.25]).tobytes())
    add("embeddings", analysis_id="faceless", dim=2, rows=0, embeddings=b"", time_s=b"")
    counts = {"frames_done": 1, "attempt": 1, "claims": 1, "cancel_requested": False}
    job = {"id": "job", "session_id": "session", "workflow_id": "w", "analysis_id": "scored", "state": "done"}
    add("jobs", **job, **counts, created_at=MONDAY, updated_at=MONDAY)


def upgrade_filled(empty_url: str, revision: str, fill: Callable[[Connection], None]) -> None:
    """Make a database of an older schema, fill it, and bring it up to the present one."""
    if empty_url.startswith("sqlite"):
        Path(normalise_url(empty_url).database or "").parent.mkdir(parents=True)
    with connected(empty_url) as connection:
        command.upgrade(alembic_config(connection), revision)
        fill(connection)
    upgrade(empty_url)


def test_what_is_stored_survives_the_modalities(empty_url: str) -> None:
    upgrade_filled(empty_url, "0001", fill_0001)
    with Store(empty_url) as store:
        scored, faceless = (store.analyses.load_session_analysis(analysis_id=name) for name in ("scored", "faceless"))
        assert scored.phq == PhqEstimate(
            7.0, 4.0, 10.0, 0.9, Scale.PHQ8, Provenance.SIMULATED, "model-a", (Modality.FACE,)
        )
        assert faceless.phq == PhqUnavailable(UnavailableReason.NO_FACE, literal("nobody is there"))
        assert scored.warnings == (literal("it is dark"),)
        np.testing.assert_array_equal(scored.embeddings, [[1, 2]])
        np.testing.assert_array_equal(scored.timeline.time_s, [0.25])
        assert (scored.face_kind, scored.voice, scored.words, scored.sidecar_digest) == ("", None, None, "")
        found = store.analyses.find(session_id="session", model_id="model-a", settings=Settings())
        assert found is None, "what another method measured does not stand for an analysis by this one"
        assert store.jobs.get(job_id="job").analysis_id == "scored"
        assert store.labels.count_unknown_kind() == 1
        assert store.labels.survey(scale=Scale.PHQ8, within_days=7, face_kind="face-a").sessions == ()
        analysis = sample_analysis(model_id="model-c", voice=sample_voice())
        store.analyses.save(session_id="session", analysis=analysis)
        assert store.labels.count_unknown_kind() == 0
    for table in ("analyses", "frames", "embeddings", "channels", "audit"):
        change = text(
            f"UPDATE {table} SET {'id = id' if table in ('analyses', 'audit') else 'analysis_id = analysis_id'}"
        )
        with pytest.raises(IntegrityError, match=f"rows of {table} are never changed"), connected(empty_url) as other:
            other.execute(change)


def fill_0003(connection: Connection) -> None:
    """At schema 0003 a questionnaire `first` that nobody has acted on, and `second`, which corrects it."""
    tables = MetaData()
    tables.reflect(connection)
    connection.execute(
        tables.tables["subjects"].insert(), {"id": "subject", "label": "S", "is_demo": False, "created_at": MONDAY}
    )
    shared = {"subject_id": "subject", "scale": "PHQ-9", "answered_at": MONDAY, "created_at": MONDAY}
    for name, items, before in (("first", [1] * 9, None), ("second", [0] * 9, "first")):
        row = {"id": name, "items": items, "total": sum(items), "item9_flag": items[8] > 0, "supersedes_id": before}
        who = {"acknowledged_at": MONDAY, "acknowledged_by": "AB"} if name == "second" else {}
        connection.execute(tables.tables["questionnaires"].insert(), {**shared, **row, "source": "imported", **who})


def fill_0004(connection: Connection) -> None:
    """At schema 0004 an analysis with a warning and a reason, and a failed job with an error, all of them texts."""
    tables = MetaData()
    tables.reflect(connection)

    def add(table: str, **values: object) -> None:
        connection.execute(tables.tables[table].insert(), values)

    info = sample_recording()
    about = {name: value for name, value in vars(info).items() if name not in ("path", "sha256")}
    add("subjects", id="subject", label="S", is_demo=False, created_at=MONDAY)
    session = {"id": "session", "subject_id": "subject", "media_sha256": info.sha256, "original_name": "session.mp4"}
    add("sessions", **session, **about, recorded_at=MONDAY, is_demo=False, created_at=MONDAY)
    analysis = {"id": "faceless", "session_id": "session", "model_id": "model-a", "beside": "", "fps": 2.0}
    add(
        "analyses",
        **{**analysis, "settings": asdict(Settings()), "settings_hash": HASH_OF_0001, "key_frames": False},
        **{"frames_sampled": 0, "frames_with_face": 0, "coverage": 0.0, "tracks": [], "created_at": MONDAY},
        **{"warnings": ["it is dark"], "phq_unavailable": "no_face", "phq_detail": "nobody is there"},
        timing=asdict(Timing(decode=1.0, detect=2.0, embed=0.5, heads=0.01)),
    )
    job = {"id": "job", "session_id": "session", "workflow_id": "w", "state": "failed", "error": "The disk is full."}
    counts = {"stage": "analysing", "frames_done": 3, "frames_expected": 9, "attempt": 1, "claims": 1}
    add("jobs", **job, **counts, cancel_requested=False, created_at=MONDAY, updated_at=MONDAY, finished_at=MONDAY)


def test_texts_of_before_there_were_messages_still_show(empty_url: str) -> None:
    upgrade_filled(empty_url, "0004", fill_0004)
    with Store(empty_url) as store:
        analysis = store.analyses.get(analysis_id="faceless")
        assert analysis.warnings == (literal("it is dark"),)
        assert analysis.phq == PhqUnavailable(UnavailableReason.NO_FACE, literal("nobody is there"))
        job = store.jobs.get(job_id="job")
        assert (job.error, job.step, job.done, job.total) == (literal("The disk is full."), None, 3, 9)
        details = {item.kind: item.detail for item in store.triage.list_items()}
        assert details[AttentionKind.FAILED_JOB] == literal("The disk is full.")
        again = store.jobs.set_state(job_id="job", state=JobState.QUEUED)
        assert (again.error, again.done, again.total) == (None, 0, None)


def test_messages_come_out_of_the_store_as_they_went_in(url: str) -> None:
    warning = Message("video.cut_short", {"file": "a.mp4", "seconds": 1.5})
    reason = Message("core.low", {"share": 0.25, "parts": (Message("modality.face"), Message("modality.voice"))})
    with Store(url) as store:
        session = new_session(store, store.subjects.create(label="S").id)
        analysis = sample_analysis(phq=PhqUnavailable(UnavailableReason.LOW_COVERAGE, reason))
        analysis = replace(analysis, warnings=(warning,))
        saved = store.analyses.get(analysis_id=store.analyses.save(session_id=session.id, analysis=analysis))
        assert saved.warnings == (warning,)
        assert saved.phq == PhqUnavailable(UnavailableReason.LOW_COVERAGE, reason)
        job = store.jobs.create(session_id=session.id)
        store.jobs.set_state(job_id=job.id, state=JobState.FAILED, error=reason)
        assert store.jobs.get(job_id=job.id).error == reason
        details = {item.kind: item.detail for item in store.triage.list_items()}
        assert details[AttentionKind.FAILED_JOB] == reason


def test_questionnaires_survive_the_question_of_difficulty(empty_url: str) -> None:
    upgrade_filled(empty_url, "0003", fill_0003)
    with Store(empty_url) as store:
        kept = store.questionnaires.list_by_subject(subject_id="subject", include_superseded=True)
        second, first = sorted(kept, key=lambda record: record.total)
        assert (first.id, first.total, first.item9_flag, first.superseded) == ("first", 9, True, True)
        assert (second.id, second.supersedes_id, second.acknowledged_by) == ("second", "first", "AB")
        assert [record.answered_at for record in kept] == [MONDAY] * 2
        assert [record.difficulty for record in kept] == [None] * 2
        given = {"subject_id": "subject", "scale": Scale.PHQ9, "items": [1] * 9, "answered_at": MONDAY}
        store.questionnaires.save(**given, difficulty=3, supersedes_id="second")  # type: ignore[arg-type]
        with pytest.raises(StoreError, match="already corrected"):
            store.questionnaires.save(**given, supersedes_id="first")  # type: ignore[arg-type]
        assert store.erasure.erase_subject(subject_id="subject").questionnaires == 3


@pytest.mark.parametrize(("difficulty", "total"), [(4, 9), (-1, 9), (0, 0), (3, 0)])
def test_the_database_refuses_a_difficulty_that_cannot_be(url: str, difficulty: int, total: int) -> None:
    with Store(url) as store:
        subject = store.subjects.create(label="S")
        items = [int(total > 0)] * 9
        kept = store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=items, answered_at=MONDAY)
    change = text("UPDATE questionnaires SET difficulty = :difficulty WHERE id = :id AND total = :total")
    with pytest.raises(IntegrityError, match="ck_questionnaires_difficulty"), connected(url) as connection:
        connection.execute(change, {"difficulty": difficulty, "id": kept.id, "total": total})


def test_sqlite_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "a folder, 100 % new?" / "fer-phq.db"
    upgrade(sqlite_url(path))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    with Store(sqlite_url(path)) as store:
        store.subjects.create(label="S1")
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_default_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("FERPHQ_DATABASE_URL", raising=False)
    assert normalise_url().database == str(tmp_path / "fer-phq.db")
    monkeypatch.setenv("FERPHQ_DATABASE_URL", "postgres://someone@host/name")
    assert default_url() == "postgres://someone@host/name"
    assert normalise_url().drivername == "postgresql+psycopg"
    monkeypatch.delenv("FERPHQ_DATA_DIR")
    monkeypatch.delenv("FERPHQ_DATABASE_URL")
    assert "fer-phq" in default_url()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("not a url", "cannot be read"),
        ("mysql://host/name", "'mysql' is not supported"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("postgresql+nodriver://host/name", "driver .* is not installed"),
    ],
)
def test_urls_that_cannot_be_used(url: str, sentence: str) -> None:
    with pytest.raises(StoreError, match=sentence):
        Store(url)


def test_migrating_again_leaves_the_locks_of_an_open_store(tmp_path):
    url = sqlite_url(tmp_path / "fer-phq.db")
    upgrade(url)
    with Store(url) as store:
        store.subjects.create(label="P-1")
        upgrade(url)
        other = "import sys; from db.store import Store; Store(sys.argv[1]).subjects.create(label='P-2')"
        subprocess.run([sys.executable, "-c", other, url], cwd=Path(__file__).parents[2], check=True)
        assert (tmp_path / "fer-phq.db-wal").exists(), "the log of a database that is open here was removed"
        assert {one.label for one in store.subjects.list_all()} == {"P-1", "P-2"}


def fill_0007(connection: Connection) -> None:
    """At schema 0007 entries that name people, among a few thousand."""
    tables = MetaData()
    tables.reflect(connection)
    entry = {"at": MONDAY, "action": "create", "object_kind": "questionnaire", "object_id": "q", "detail": "phq8"}
    actors = ["cli", "dashboard, Dr M", "dashboard, AB", "dashboard, Dr M", *["worker"] * 5500]
    connection.execute(tables.tables["audit"].insert(), [{**entry, "actor": actor} for actor in actors])


def test_names_of_older_entries_are_kept_apart_and_the_entries_chained(empty_url: str) -> None:
    upgrade_filled(empty_url, "0007", fill_0007)
    with Store(empty_url) as store:
        check = store.audit.check_chain()
        assert (check.entries, check.whole) == (5504, True)
        entries = list(store.audit.iterate())
        assert [(entry.actor, entry.by) for entry in entries[:4]] == [
            ("cli", ""),
            ("dashboard", "Dr M"),
            ("dashboard", "AB"),
            ("dashboard", "Dr M"),
        ]
        store.audit.forget_name(name="dr m")
        assert [entry.who for entry in list(store.audit.iterate())[:4]] == [
            "cli",
            "dashboard",
            "dashboard, AB",
            "dashboard",
        ]
        store.subjects.create(label="After")
        assert store.audit.check_chain().whole
