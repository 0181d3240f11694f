"""Everybody's faces in an analysis: as they were saved, until the recording goes, and the choice among them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analysis_samples import new_session, row_counts, sample_analysis, with_all_faces
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db.engine import normalise_url, open_engine
from db.migrate import upgrade
from db.queries.analyses.analyses import settings_hash
from db.records import NotFoundError
from db.store import Store
from db.urls import sqlite_url
from fer_phq.core.analysis import FaceTable, Settings

EVERYBODY = Settings(all_faces=True)


def saved(store: Store, *, settings: Settings = EVERYBODY, label: str = "A") -> tuple[str, str]:
    """The ids of a session with a recording and of its analysis with everybody's faces."""
    session = new_session(store, store.subjects.get_or_create(label=label).id)
    analysis = with_all_faces(sample_analysis())
    return session.id, store.analyses.save(session_id=session.id, analysis=analysis, settings=settings)


def faces_of(store: Store, analysis_id: str) -> FaceTable:
    faces = store.analyses.load_session_analysis(analysis_id=analysis_id).faces
    assert faces is not None
    return faces


def test_faces_come_back_as_they_were_saved(store: Store) -> None:
    expected = with_all_faces(sample_analysis()).faces
    assert expected is not None
    _, analysis_id = saved(store)
    faces = faces_of(store, analysis_id)
    for name in ("frame", "track", "box", "landmarks", "detection_score", "quality"):
        np.testing.assert_array_equal(getattr(faces, name), getattr(expected, name))
    np.testing.assert_allclose(faces.embeddings, expected.embeddings, atol=2e-3)
    assert faces.pictures == expected.pictures == store.faces.list_pictures(analysis_id=analysis_id)
    assert store.faces.exist(analysis_id=analysis_id)


def test_the_subjects_embeddings_are_stored_once(url: str, store: Store) -> None:
    saved(store)
    engine = open_engine(normalise_url(url))
    with engine.connect() as connection:
        rows, others, size = connection.execute(text("SELECT rows, other_rows, length(embeddings) FROM faces")).one()
    engine.dispose()
    assert (rows, others, size) == (20, 2, 2 * 2 * 16)


def test_an_analysis_of_the_subject_alone_offers_no_choice(store: Store) -> None:
    session = new_session(store, store.subjects.create(label="A").id)
    analysis_id = store.analyses.save(session_id=session.id, analysis=sample_analysis())
    assert store.analyses.load_session_analysis(analysis_id=analysis_id).faces is None
    assert not store.faces.exist(analysis_id=analysis_id)
    assert store.faces.list_pictures(analysis_id=analysis_id) == {}


@pytest.mark.parametrize("table", ["faces", "face_pictures"])
def test_stored_faces_are_never_changed(url: str, store: Store, table: str) -> None:
    saved(store)
    engine = open_engine(normalise_url(url))
    with pytest.raises(IntegrityError, match=f"rows of {table} are never changed"), engine.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET analysis_id = analysis_id"))
    engine.dispose()


def test_pictures_go_with_the_recording_and_tracks_stay_choosable(store: Store) -> None:
    session_id, analysis_id = saved(store)
    _, of_another = saved(store, label="B")
    store.sessions.set_media_path(session_id=session_id, media_path=None)
    assert store.faces.list_pictures(analysis_id=analysis_id) == {}
    assert len(faces_of(store, analysis_id)) == 20
    assert len(store.faces.list_pictures(analysis_id=of_another)) == 2


def test_no_picture_is_stored_of_a_session_without_its_recording(store: Store) -> None:
    session_id, _ = saved(store)
    store.sessions.set_media_path(session_id=session_id, media_path=None)
    analysis = replace(with_all_faces(sample_analysis()), model_id="model-b")
    later_id = store.analyses.save(session_id=session_id, analysis=analysis, settings=EVERYBODY)
    assert store.faces.list_pictures(analysis_id=later_id) == {}
    assert len(faces_of(store, later_id)) == 20


def test_erasure_removes_faces_pictures_and_choices(url: str, store: Store) -> None:
    session_id, analysis_id = saved(store)
    store.faces.choose(analysis_id=analysis_id)
    tables = ("faces", "face_pictures", "face_choices")
    assert [row_counts(url)[table] for table in tables] == [1, 2, 1]
    store.erasure.erase_analysis(analysis_id=analysis_id)
    assert [row_counts(url)[table] for table in tables] == [0, 0, 0]
    again = store.analyses.save(
        session_id=session_id, analysis=with_all_faces(sample_analysis()), settings=replace(EVERYBODY, tracks=(0,))
    )
    assert store.analyses.get(analysis_id=again).choice_at is not None
    store.erasure.erase_session(session_id=session_id)
    assert [row_counts(url)[table] for table in tables] == [0, 0, 0]


def test_removed_pictures_are_gone_from_the_sqlite_files(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "fer-phq.db")
    upgrade(url)
    with Store(url) as store:
        session_id, _ = saved(store)
        assert b"picture of somebody else" in b"".join(path.read_bytes() for path in tmp_path.iterdir())
        store.sessions.set_media_path(session_id=session_id, media_path=None)
        assert b"picture of somebody else" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_the_last_choice_stands_for_the_session(store: Store) -> None:
    session_id, programs = saved(store)
    analysis = with_all_faces(sample_analysis())
    by_hand = store.analyses.save(session_id=session_id, analysis=analysis, settings=replace(EVERYBODY, tracks=(0,)))
    other = store.analyses.save(session_id=session_id, analysis=analysis, settings=replace(EVERYBODY, tracks=(4,)))

    def order() -> list[str]:
        return [summary.id for summary in store.sessions.get_detail(session_id=session_id).analyses]

    assert order() == [other, by_hand, programs]
    assert store.analyses.get(analysis_id=programs).choice_at is None
    store.faces.choose(analysis_id=by_hand)
    assert order() == [by_hand, other, programs]
    (row,) = store.sessions.list_recent()
    assert row.analysis is not None
    assert row.analysis.id == by_hand
    line = store.audit.list_newest(object_id=by_hand)[0]
    assert (line.action, line.detail) == ("choose_faces", f"session {session_id}, face tracks 0")
    with pytest.raises(NotFoundError):
        store.faces.choose(analysis_id="none")


def test_the_order_in_which_tracks_are_named_is_no_other_choice() -> None:
    assert settings_hash(Settings(tracks=(4, 0))) == settings_hash(Settings(tracks=(0, 4)))
    assert settings_hash(Settings(tracks=(4,))) != settings_hash(Settings(track=4))
    assert settings_hash(Settings(all_faces=True)) != settings_hash(Settings())


def test_settings_of_an_earlier_version_are_read() -> None:
    stored = {"sampling": {"fps": 2.0, "key_frames": False}, "coverage_floor": 0.3, "min_face_frames": 8}
    stored |= {"detection_threshold": 0.5, "track": 3, "max_side": 1280, "chunk_frames": 16}
    assert Settings.from_dict(stored) == Settings(track=3, chunk_frames=16, search_each_frame=True)
    assert Settings.from_dict({**stored, "track": None, "tracks": [4, 0]}).tracks == (0, 4)
    with pytest.raises(ValueError, match="not both"):
        Settings(track=3, tracks=(0,))
