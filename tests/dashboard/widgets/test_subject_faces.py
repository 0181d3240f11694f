"""The choice of the subject's faces on the pages: who is offered, what is ticked, what is said afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from analysis_samples import new_session, row_counts, sample_analysis, with_all_faces
from shown_pages import html_of, open_page, press, words
from streamlit.testing.v1 import AppTest

from dashboard.exports.reports.blocks import Words
from dashboard.exports.reports.session import session_report
from dashboard.new_session.arrivals import ARRIVED, Arrival
from dashboard.widgets import subject_faces
from db.records import SessionRecord
from db.store import Store
from fer_phq.core.analysis import SessionAnalysis, Settings, TrackSummary
from fer_phq.core.errors import SettingsError
from fer_phq.models.checkpoint import SHIPPED, read_bundle
from fer_phq.pipeline import messages
from service.settings import AppSettings
from service.views.session import load_session_view

pytestmark = pytest.mark.usefixtures("installation")

EVERYBODY = Settings(all_faces=True)
TRACKS = (
    TrackSummary(0, 9, 0.0, 4.0, 0.2, is_subject=True, person=0, seen_s=4.0),
    TrackSummary(1, 9, 5.0, 9.0, 0.2, is_subject=True, person=0, seen_s=5.0),
    TrackSummary(4, 2, 1.0, 2.0, 0.1, is_subject=False, person=1, seen_s=1.0),
)


def sample() -> SessionAnalysis:
    """Ten seconds with one person in two stretches and another one, by the active model."""
    analysis = with_all_faces(sample_analysis(gaps=(3, 4)))
    assert analysis.faces is not None
    track = analysis.faces.track.copy()
    track[(track == 0) & (analysis.faces.frame >= 10)] = 1
    faces = replace(analysis.faces, track=track, pictures={0: b"zero", 1: b"one", 4: b"four"})
    return replace(
        analysis,
        model_id=read_bundle(SHIPPED).model_id,
        faces=faces,
        tracks=TRACKS,
        warnings=(messages.OTHER_TRACKS(n=1, tracks=("0", "1")),),
    )


def recorded_session(store: Store) -> SessionRecord:
    """A session that has its recording, as far as the store knows."""
    session = new_session(store, store.subjects.create(label="P-1").id)
    return store.sessions.set_media_path(session_id=session.id, media_path=f"00/{session.media_sha256}.mp4")


@pytest.fixture
def session(store: Store) -> SessionRecord:
    """A session whose analysis warns of another person."""
    session = recorded_session(store)
    store.analyses.save(session_id=session.id, analysis=sample(), settings=EVERYBODY)
    return session


@pytest.fixture
def choices(store: Store, session: SessionRecord, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """What was chosen; a choice is stored as a copy of the first analysis, since no model runs."""
    made: list[list[int]] = []

    def choose(settings: AppSettings, opened: Store, analysis_id: str, tracks: list[int]) -> str:
        made.append(tracks)
        if tracks == [0, 1, 4]:
            raise SettingsError(messages.TRACKS_TOGETHER(first=0, second=4, seconds=1.5))
        by_hand = replace(sample(), warnings=(messages.FACES_BY_HAND(n=1, tracks=tuple(map(str, tracks))),))
        return opened.analyses.save(
            session_id=session.id, analysis=by_hand, settings=replace(EVERYBODY, tracks=tuple(tracks))
        )

    monkeypatch.setattr(subject_faces, "choose_in_child", choose)
    return made


def box(app: AppTest, label: str) -> bool:
    return bool(next(one for one in app.checkbox if one.label.startswith(label)).value)


def tick(app: AppTest, label: str) -> AppTest:
    """Tick or untick the box whose label begins so."""
    one = next(one for one in app.checkbox if one.label.startswith(label))
    (one.uncheck if one.value else one.check)()
    app.run()
    assert not app.exception
    return app


def test_everybody_is_offered_with_pictures_in_words(session: SessionRecord) -> None:
    app = open_page("session", session=session.id)
    (expander,) = [one for one in app.expander if one.label == "Who is the subject?"]
    assert expander.proto.expanded, "the analysis warns of somebody else"
    assert box(app, "Person 1 · seen 0:09 min, from 0:00 to 0:09")
    assert not box(app, "Person 2 · seen 0:01 min, from 0:01 to 0:02")
    page = html_of(app)
    assert page.count("data:image/jpeg;base64,") == 5, "two of Person 1, again in the stretches, one of Person 2"
    assert 'alt="Face of Person 2 at 0:01"' in page
    use = next(button for button in app.button if button.label == "Use these faces")
    assert use.disabled, "that is the present choice"


def test_a_choice_is_analysed_shown_and_dated(session: SessionRecord, store: Store, choices: list[list[int]]) -> None:
    app = tick(tick(open_page("session", session=session.id), "Person 1"), "Person 2")
    assert (box(app, "Person 1"), box(app, "Person 2")) == (False, True)
    app = press(app, "Use these faces")
    assert choices == [[4]]
    shown = next(one for one in app.selectbox if one.label == "Analysis")
    assert shown.value == store.sessions.get_detail(session_id=session.id).analyses[0].id
    page = html_of(app)
    assert "The subject's faces were chosen by hand on" in page
    assert "face track 4" not in page
    (expander,) = [one for one in app.expander if one.label == "Who is the subject?"]
    assert not expander.proto.expanded


def test_a_stretch_is_taken_out_of_a_person(session: SessionRecord, choices: list[list[int]]) -> None:
    app = tick(open_page("session", session=session.id), "0:05 to 0:09")
    assert box(app, "Person 1 · seen 0:09 min, from 0:00 to 0:09 (1 of 2 stretches)")
    press(app, "Use these faces")
    assert choices == [[0]]


def test_two_people_at_once_are_refused_in_one_sentence(session: SessionRecord, choices: list[list[int]]) -> None:
    app = press(tick(open_page("session", session=session.id), "Person 2"), "Use these faces")
    assert choices == [[0, 1, 4]]
    assert "both in the picture at 1.5 s, so they are two people" in html_of(app)
    assert box(app, "Person 2"), "what was ticked stays ticked"


def test_without_the_recording_people_are_chosen_by_their_times(session: SessionRecord, store: Store) -> None:
    store.sessions.set_media_path(session_id=session.id, media_path=None)
    app = open_page("session", session=session.id)
    assert box(app, "Person 1")
    page = html_of(app)
    assert "data:image" not in page
    assert 'aria-label="No picture: Face of Person 2 at 0:01"' in page


def test_an_analysis_of_an_earlier_version_says_how_to_come_to_a_choice(store: Store) -> None:
    session = recorded_session(store)
    store.analyses.save(session_id=session.id, analysis=replace(sample(), faces=None))
    app = open_page("session", session=session.id)
    assert "Analyse the recording again, then choose." in html_of(app)
    assert not [one for one in app.checkbox if one.label.startswith("Person")]


def test_one_person_in_one_stretch_is_not_asked_about(store: Store) -> None:
    session = recorded_session(store)
    alone = replace(sample_analysis(), tracks=TRACKS[:1], warnings=())
    rows = alone.timeline.has_face.nonzero()[0].astype("int32")
    faces = with_all_faces(sample_analysis()).faces
    assert faces is not None
    faces = replace(faces.of_tracks([0]), frame=rows)
    store.analyses.save(session_id=session.id, analysis=replace(alone, faces=faces), settings=EVERYBODY)
    app = open_page("session", session=session.id)
    assert "Who is the subject?" not in words(app)


def test_the_choice_is_offered_where_an_upload_ends(
    session: SessionRecord, store: Store, choices: list[list[int]]
) -> None:
    app = open_page("new_session")
    app.session_state[ARRIVED] = {session.id: Arrival(session.id, "P-1 · one.mp4", duplicate=False)}
    app.run()
    (expander,) = [one for one in app.expander if one.label.startswith("Who is the subject in P\\-1 · one")]
    assert expander.proto.expanded
    app = press(tick(tick(app, "Person 1"), "Person 2"), "Use these faces")
    assert choices == [[4]]
    assert "P-1 · one.mp4: the subject's faces were chosen by hand on" in html_of(app)


def test_of_many_people_those_who_are_seen_most_come_first(store: Store, installation: AppSettings) -> None:
    session = recorded_session(store)
    crowd = tuple(TrackSummary(10 + n, 2, 3.0, 4.0, 0.1, is_subject=False, person=2 + n, seen_s=1.0) for n in range(20))
    store.analyses.save(session_id=session.id, analysis=replace(sample(), tracks=TRACKS + crowd), settings=EVERYBODY)
    assert row_counts(installation.database_url)["faces"] == 1
    app = open_page("session", session=session.id)
    assert len([one for one in app.checkbox if one.label.startswith("Person ")]) == subject_faces.LISTED
    next(one for one in app.toggle if one.label == "Show 14 more who are seen less").set_value(True)
    app.run()
    assert len([one for one in app.checkbox if one.label.startswith("Person ")]) == 22


def test_the_report_says_when_the_faces_were_chosen(session: SessionRecord, store: Store) -> None:
    by_hand = replace(sample(), warnings=(messages.FACES_BY_HAND(n=1, tracks=("4",)),))
    at = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)
    settings = replace(EVERYBODY, tracks=(4,))
    analysis_id = store.analyses.save(session_id=session.id, analysis=by_hand, settings=settings, choice_at=at)
    view = load_session_view(store, store.sessions.get_detail(session_id=session.id), analysis_id)
    texts = [block.text for block in session_report(view, UTC, at).blocks if isinstance(block, Words)]
    assert "The subject's faces were chosen by hand on 9 Mar 2026, 14:05." in texts
    assert not [text for text in texts if "face track" in text]
