"""The Session page: which analysis is shown, what is drawn and listed beside it, notes, transcripts, comparison."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sounds
from analysis_samples import sample_transcription, sample_turns
from behaviour_samples import sample_behaviour
from recordings import Recordings
from streamlit.testing.v1 import AppTest
from synthetic_sessions import Plan, recording_info, synthetic_analysis

from dashboard import charts, loaders
from dashboard.new_session.arrivals import Arrival
from db.records import Consent, JobState
from db.store import Store
from fer_phq.core.analysis import Sampling, SessionAnalysis, Settings, SoundChoice, SpeakerChoice, TrackSummary
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.phq import PhqEstimate, Provenance
from fer_phq.features.measures import BY_NAME, SHARES, VERSION
from fer_phq.models.checkpoint import find_bundle
from fer_phq.speakers import Turn
from fer_phq.speakers.files.series import BY_VOICES, turn_series
from fer_phq.video import messages as video_messages
from fer_phq.video import probe
from fer_phq.voice.kinds import COLUMNS, EARLIER_KIND, KIND
from service.ingest.recordings import add_recording
from service.settings import AppSettings

MAIN = Path(__file__).parents[2] / "dashboard" / "main.py"
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
WEBVTT = (
    b"WEBVTT\n\n00:05.000 --> 00:08.000\n<v Client>I slept badly & woke early.\n\n"
    b"00:09.000 --> 00:10.000\n<v Therapist>Since when?\n"
)

pytestmark = pytest.mark.usefixtures("installation")


def session_with(store: Store, *analyses: SessionAnalysis, label: str = "P-1") -> str:
    """A session without a recording's file and these analyses, oldest first."""
    subject = store.subjects.get_or_create(label=label)
    session = store.sessions.create(
        subject_id=subject.id,
        recorded_at=NOW,
        recording=recording_info(5, 60),
        original_name="one.mp4",
        media_path=None,
        consent=Consent(at=NOW, by="AB", text_version="1"),
    )
    for analysis in analyses:
        store.analyses.save(session_id=session.id, analysis=analysis)
    return session.id


def made(model_id: str = "model-a", seed: int = 5, **plan: Any) -> SessionAnalysis:
    """A minute with a voice and another person in it."""
    wanted = Plan(**{"seconds": 60.0, "model_id": model_id, **plan})
    found = synthetic_analysis(seed, wanted, recording_info(5, 60))
    rows = int(wanted.seconds * 10)
    values = np.zeros((rows, len(COLUMNS)), np.float32)
    values[:, 0], values[:, 1], values[:, COLUMNS.index("loudness_db")] = 0.9, 24, -30
    voice = FeatureSeries(values, (np.arange(rows) + 0.5) / 10, KIND, COLUMNS)
    other = TrackSummary(4, 12, 20.0, 30.0, 0.02, is_subject=False)
    return replace(found, voice=voice, tracks=(*found.tracks, other))


def opened(session_id: str) -> AppTest:
    """The page of a session, run once."""
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.switch_page("app_pages/session.py")
    app.query_params["session"] = session_id
    return run(app)


def run(app: AppTest) -> AppTest:
    """The page run again; it must show neither an exception nor an error box."""
    app.run()
    return calm(app)


def calm(app: AppTest) -> AppTest:
    assert not app.exception, [e.value for e in app.exception]
    assert not app.error, [e.value for e in app.error]
    return app


def words(app: AppTest) -> str:
    """Everything a page says, labels and HTML included, as one text."""
    return unescape(" ".join(str(getattr(node, "proto", "")) for node in app.main))


def html_of(app: AppTest) -> str:
    """All HTML of a page, as it is sent."""
    return " ".join(str(node.proto.body) for node in app.main if node.type == "html")


def box(app: AppTest, label: str) -> Any:
    return next(one for one in app.selectbox if one.label == label)


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return run(app)


def timeline(app: AppTest) -> dict[str, Any]:
    """The figure of the timeline."""
    figures = [json.loads(node.proto.spec) for node in app.main if node.type == "plotly_chart"]
    return next(one for one in figures if any(trace.get("name") == charts.POSITIONS for trace in one["data"]))


def names(figure: dict[str, Any]) -> set[str]:
    return {str(trace.get("name")) for trace in figure["data"]}


def test_the_result_comes_before_the_recording(store: Store) -> None:
    analysis = made()
    app = opened(session_with(store, analysis))
    pieces = [str(node.proto.body) for node in app.main if node.type == "html"]
    (strip,) = [number for number, piece in enumerate(pieces) if "fp-mix" in piece and "data-head" in piece]
    assert f"{analysis.coverage:.0%}".replace("%", " %") in pieces[strip]
    assert "Simulated" in pieces[strip]
    estimate = next(number for number, piece in enumerate(pieces) if "fp-estimate" in piece)
    assert strip < estimate, "it stands above the cards"


def test_the_active_models_analysis_is_shown_first_and_it_is_said(store: Store) -> None:
    mine = find_bundle().model_id
    app = opened(session_with(store, made(mine), made("later-22222222")))
    chosen = box(app, "Analysis")
    assert chosen.options[chosen.index].startswith(mine)
    assert "active model" in chosen.options[chosen.index]
    assert chosen.index == 1, "the newest is listed first"
    assert "Shown first: the newest analysis by the active model." in words(app)


def test_without_one_by_the_active_model_the_newest_is_shown(store: Store) -> None:
    app = opened(session_with(store, made("first-11111111"), made("later-22222222")))
    chosen = box(app, "Analysis")
    assert chosen.options[chosen.index].startswith("later-22222222")
    assert "The active model has not analysed this session." in words(app)


def test_everything_runs_along_one_axis(store: Store) -> None:
    session_id = session_with(store, made())
    store.transcripts.save(session_id=session_id, original_name="one.vtt", document=WEBVTT)
    store.notes.add(session_id=session_id, words="looks away", time_s=12.0)
    figure = timeline(opened(session_id))
    assert names(figure) >= {
        "Episodes", "Face found", "Other people", "Transcript", "Speech", "Loudness", "Pitch", "Notes",
    }  # fmt: skip
    axes = [axis for name, axis in figure["layout"].items() if name.startswith("xaxis") and name != "xaxis"]
    assert {axis["matches"] for axis in axes} == {"x"}


def test_facial_behaviour_is_drawn_listed_and_measured(store: Store) -> None:
    app = opened(session_with(store, replace(made(), behaviour=sample_behaviour())))
    figure = timeline(app)
    assert names(figure) >= {"Head up (pitch)", "Eyes", "Blink", "Smile", "Mouth"}
    listed = component(app, "rows", 1)
    assert listed["label"] == "Episodes of facial behaviour"
    assert {row["cells"][0]["text"] for row in listed["rows"]} == {"Head still", "Smile"}
    first = next(row for row in listed["rows"] if row["cells"][0]["text"] == "Smile")
    assert first["time"] == pytest.approx(4, abs=0.1)
    assert first["cells"][1]["time"] == first["time"], "a click on the onset leads to it"
    said = html_of(app)
    assert "12.0 a minute" in said
    assert "Mackintosh" in said
    assert "shorter than three minutes" in said


def test_measures_below_their_rate_are_missing_with_the_reason(store: Store) -> None:
    said = html_of(opened(session_with(store, replace(made(), behaviour=sample_behaviour(8.0)))))
    assert "Not measured: Blinks, Blink duration, Eyes closed, Nods, Head shakes. The face was seen 8 times" in said


def test_without_facial_behaviour_it_is_said_how_to_get_it(store: Store) -> None:
    app = opened(session_with(store, made()))
    assert not names(timeline(app)) & {"Head up (pitch)", "Eyes", "Blink"}
    assert "An earlier version made this analysis, and did not follow the face mesh." in html_of(app)
    unseen = replace(made(), behaviour=sample_behaviour(gap=(0.0, 60.0)))
    app = opened(session_with(store, unseen, label="P-2"))
    assert "in no frame was the subject's head pose known" in unescape(html_of(app))
    assert not names(timeline(app)) & {"Head up (pitch)", "Eyes", "Blink"}


def test_the_pitch_of_an_earlier_version_is_left_out_and_it_is_said(store: Store) -> None:
    analysis = made()
    assert analysis.voice is not None
    earlier = replace(analysis, voice=replace(analysis.voice, kind=EARLIER_KIND))
    app = opened(session_with(store, earlier))
    assert "An earlier version measured this voice." in words(app)
    assert names(timeline(app)) >= {"Speech", "Loudness"}
    assert "An earlier version measured this voice." not in words(opened(session_with(store, analysis, label="P-2")))


def smoothing(app: AppTest) -> Any:
    return next(one for one in app.selectbox if one.label == "Smoothing")


def hover(app: AppTest) -> str:
    return next(trace["hovertemplate"] for trace in timeline(app)["data"] if "customdata" in trace)


def test_a_short_recording_is_drawn_as_it_was_measured(store: Store) -> None:
    app = opened(session_with(store, made()))
    assert smoothing(app).options[0] == "Automatic (none)"
    assert "Emotions are smoothed" not in words(app)
    assert "mean of" not in hover(app)


def test_smoothing_is_said_wherever_its_values_are_and_frames_are_drawn_on_demand(store: Store) -> None:
    app = opened(session_with(store, made()))
    smoothing(app).set_value(2.0)
    run(app)
    assert "Emotions are smoothed over 2 s" in words(app)
    assert "mean of 2 s" in hover(app)
    assert "Happiness, frames" not in names(timeline(app))
    next(one for one in app.toggle if one.label == "Frames as measured").set_value(True)
    run(app)
    figure = timeline(app)
    assert "Happiness, frames" in names(figure)
    line = next(trace for trace in figure["data"] if trace.get("name") == "Happiness")
    assert "stackgroup" not in line


def test_a_second_analysis_is_laid_over_the_first(store: Store) -> None:
    mine = find_bundle().model_id
    session_id = session_with(
        store, made("other-11111111", seed=9, severity=0.9, provenance=Provenance.CLINICAL), made(mine)
    )
    app = opened(session_id)
    other = store.sessions.get_detail(session_id=session_id).analyses[1]
    box(app, "Compare with").set_value(other.id)
    run(app)
    said = words(app)
    assert "PHQ estimates" in said
    assert html_of(app).count("90% interval") == 2
    assert "Simulated labels" in said
    assert "Clinical labels" in said
    assert "Demonstration only: this head was trained on simulated labels" in said
    dashed = [trace["name"] for trace in timeline(app)["data"] if trace.get("line", {}).get("dash") == "dash"]
    assert "other-11111111" in dashed
    assert len(dashed) > 1
    assert "Compared analysis" in said
    app.button_group[0].set_value("Lines")
    calm(app.run())


@pytest.mark.slow
def test_the_chart_stays_the_same_when_another_moment_is_chosen(store: Store) -> None:
    """Another figure would be another chart to Streamlit: built anew, with its zoom lost."""
    session_id = session_with(store, made())
    app = opened(session_id)
    before, line = timeline(app), component(app, "time")
    app.slider(key=f"slider_{session_id}").set_value(30.0)
    run(app)
    assert timeline(app) == before
    assert line["time"] != 30.0
    assert component(app, "time") == {"chart": line["chart"], "time": 30.0}


@pytest.mark.slow
def test_an_hour_at_twelve_frames_a_second_is_drawn_from_few_points(store: Store) -> None:
    app = opened(session_with(store, made(seconds=3600.0, fps=12.0)))
    figure = timeline(app)
    spec = next(
        node.proto.spec for node in app.main if node.type == "plotly_chart" and charts.POSITIONS in node.proto.spec
    )
    assert len(spec) < 4_000_000
    (first, *_) = [trace for trace in figure["data"] if trace.get("name") == charts.POSITIONS]
    assert len(first["customdata"]) < 1500
    assert "each point is the mean of its frames" in words(app)
    box(app, "Show").set_value("30 seconds")
    run(app)
    (first, *_) = [trace for trace in timeline(app)["data"] if trace.get("name") == charts.POSITIONS]
    assert len(first["customdata"]) == 30 * 12
    assert "each point is the mean of its frames" not in words(app)


def test_a_short_session_is_not_asked_what_to_show(store: Store) -> None:
    short = made(seconds=20.0)
    assert not [one for one in opened(session_with(store, short)).selectbox if one.label == "Show"]


def test_episodes_are_listed_by_emotion(store: Store) -> None:
    session_id = session_with(store, made())
    app = opened(session_id)
    found = loaders.analysis(store.sessions.get_detail(session_id=session_id).analyses[0].id).episodes
    assert f"Episodes ({len(found)})" in words(app)
    listed = component(app, "rows")
    assert len(listed["rows"]) == len(found)
    strongest = found.sort_values("peak", ascending=False, kind="stable")
    assert [row["time"] for row in listed["rows"]] == pytest.approx(strongest["onset_s"].tolist())
    assert [cell["time"] for cell in listed["rows"][0]["cells"][1:4]] == pytest.approx(
        strongest[["onset_s", "peak_s", "offset_s"]].iloc[0].tolist()
    )
    one = found["emotion"].iloc[0]
    pills = next(group for group in app.button_group if group.label == "Emotions")
    pills.set_value([one])
    run(app)
    assert len(component(app, "rows")["rows"]) == (found["emotion"] == one).sum()
    box(app, "Order").set_value("Longest first")
    run(app)
    rows = component(app, "rows")["rows"]
    lengths = [row["end"] - row["time"] for row in rows]
    assert lengths == sorted(lengths, reverse=True)
    box(app, "Order").set_value("By time")
    run(app)
    onsets = [row["time"] for row in component(app, "rows")["rows"]]
    assert onsets == sorted(onsets)


def component(app: AppTest, field: str, number: int = 0) -> dict[str, Any]:
    """What was handed to a component that is given `field`."""
    found = []
    for node in app.main:
        if node.type == "bidi_component":
            given = json.loads(node.proto.json)
            if field in given:
                found.append(given)
    return found[number]


def test_an_address_with_a_moment_opens_it(store: Store) -> None:
    session_id = session_with(store, made())
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.switch_page("app_pages/session.py")
    app.query_params["session"] = session_id
    app.query_params["t"] = "31"
    app = run(app)
    assert "At 0:31" in words(app)
    (address,) = [node.value for node in app.code]
    assert address.endswith(f"?session={session_id}&t=31")
    (slider,) = [slider for slider in app.slider if slider.label == "Moment in seconds"]
    assert "At 0:12" in words(calm(slider.set_value(12.0).run()))  # whoever goes on is not called back


@pytest.mark.parametrize("moment", ["61", "-1", "soon", "nan"])
def test_an_address_with_a_moment_that_is_not_there_says_so(store: Store, moment: str) -> None:
    session_id = session_with(store, made())
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.switch_page("app_pages/session.py")
    app.query_params["session"] = session_id
    app.query_params["t"] = moment
    assert f"asks for the moment '{moment}', which this recording of 60 s does not have" in words(run(app))


def test_a_session_stands_beside_the_one_before_it(store: Store) -> None:
    ids = []
    for number, smiling in ((1, 0.1), (2, 0.3), (3, 0.2)):
        recording = recording_info(number, 60)
        session = store.sessions.create(
            subject_id=store.subjects.get_or_create(label="P-1").id,
            recorded_at=NOW + timedelta(days=number),
            recording=recording,
            original_name=f"{number}.mp4",
            media_path=None,
            consent=Consent(at=NOW, by="AB", text_version="1"),
        )
        analysis = synthetic_analysis(number, Plan(seconds=60.0, model_id="model-a"), recording)
        measures = {"version": VERSION, "smiling_share": smiling}
        store.analyses.save(session_id=session.id, analysis=analysis, measures=measures)
        ids.append(session.id)
    app = opened(ids[1])
    assert box(app, "Session to compare with").value == ids[0]
    assert "+20 percentage points" in html_of(app)
    (table,) = re.findall(r'<table class="fp-table pair">.*?</table>', html_of(app))
    rows = re.findall(r'<th scope="row">(.*?)</th>', table)
    assert rows == ["PHQ estimate", *(share.title for share in SHARES), BY_NAME["smiling_share"].title]
    estimate = store.sessions.get_detail(session_id=ids[1]).analyses[0].phq
    assert isinstance(estimate, PhqEstimate)
    interval = f"90% interval {estimate.low:.0f} to {estimate.high:.0f}"
    assert f"{estimate.score:.0f} ({estimate.scale}, {interval}), simulated" in table
    assert table.count("simulated") == 2, "and no difference"
    calm(box(app, "Session to compare with").select(ids[2]).run())
    assert "-10 percentage points" in html_of(app).replace("\u2212", "-")


def test_a_note_is_written_at_the_moment_changed_and_removed(store: Store) -> None:
    elsewhere = session_with(store, label="P-2")
    store.notes.add(session_id=elsewhere, words="", tag="gaze")
    session_id = session_with(store, made())
    app = opened(session_id)
    app.slider(key=f"slider_{session_id}").set_value(20.0)
    run(app)
    assert "Write a note at 0:20" in words(app)
    app.text_area(key=f"note_words_{session_id}").set_value("looks <b>away</b>")
    app.selectbox(key=f"note_tag_{session_id}").set_value("gaze")
    press(app, "Keep note")
    (note,) = store.notes.list_by_session(session_id=session_id)
    assert (note.time_s, note.words, note.tag) == (20.0, "looks <b>away</b>", "gaze")
    assert "looks &lt;b&gt;away" in html_of(app)
    assert "looks <b>" not in html_of(app)
    assert "Notes (1)" in words(app)
    assert "Notes" in names(timeline(app))
    app.slider(key=f"slider_{session_id}").set_value(40.0)
    run(app)
    app.button(key=f"note_go_{note.id}").click()
    run(app)
    assert app.slider(key=f"slider_{session_id}").value == 20.0
    app.button(key=f"note_edit_{note.id}").click()
    run(app)
    app.text_area(key=f"change_words_{note.id}").set_value("looks at the window")
    press(app, "Save changes")
    assert store.notes.list_by_session(session_id=session_id)[0].words == "looks at the window"
    app.button(key=f"note_edit_{note.id}").click()
    run(app)
    press(app, "Remove note")
    assert store.notes.list_by_session(session_id=session_id) == []
    assert "No notes yet" in words(app)


def test_a_recording_is_not_kept_until_a_day_that_is_over(store: Store) -> None:
    """It would be removed within the hour, which nobody confirmed."""
    session_id = session_with(store)
    app = opened(session_id)

    def keep(day: date) -> None:
        next(field for field in app.date_input if field.label == "Keep until").set_value(day)
        run(app)
        press(app, "Save")

    keep(datetime.now(UTC).date() - timedelta(days=3))
    assert "would be removed at once" in words(app)
    assert store.sessions.get(session_id=session_id).retain_until is None
    later = datetime.now(UTC).date() + timedelta(days=30)
    keep(later)
    kept = store.sessions.get(session_id=session_id).retain_until
    assert kept is not None
    assert abs(kept.date() - later) <= timedelta(days=1)


def test_a_note_of_the_whole_session_and_one_that_says_nothing(store: Store) -> None:
    session_id = session_with(store, made())
    app = opened(session_id)
    next(button for button in app.button if button.label == "Keep note").click()
    app.run()
    assert "A note must have words or a tag" in app.error[0].value
    assert store.notes.list_by_session(session_id=session_id) == []
    app.text_area(key=f"note_words_{session_id}").set_value("came late")
    app.checkbox(key=f"note_whole_{session_id}").set_value(True)
    press(app, "Keep note")
    (note,) = store.notes.list_by_session(session_id=session_id)
    assert note.time_s is None
    assert "Whole session" in words(app)
    assert "Notes" not in names(timeline(app))


def give(app: AppTest, name: str, document: bytes) -> AppTest:
    app.file_uploader[0].set_value((name, document, "text/plain"))
    return app.run()


def test_a_transcript_is_given_read_and_analysed_with(store: Store) -> None:
    session_id = session_with(store, made())
    app = opened(session_id)
    assert "No transcript" in words(app)
    calm(give(app, "talk.vtt", WEBVTT))
    assert "2 utterances by Client, Therapist." in words(app)
    assert box(app, "Who is the subject?").value == "Client"
    press(app, "Keep transcript")
    kept = store.transcripts.get(session_id=session_id)
    assert kept is not None
    assert (kept.original_name, kept.document, kept.speaker) == ("talk.vtt", WEBVTT, "Client")
    said = words(app)
    assert "This transcript is not part of the analysis that is shown" in said
    assert "the subject is Client" in said
    (first, second) = component(app, "rows", 1)["rows"]
    assert [cell["text"] for cell in first["cells"]] == ["0:05", "Client", "I slept badly & woke early."]
    assert second["time"] == 9.0
    press(app, "Analyse again with it")
    job = store.jobs.latest(session_id=session_id)
    assert job is not None
    assert job.state is JobState.QUEUED


def test_words_are_found_in_the_transcript(store: Store) -> None:
    session_id = session_with(store, made())
    store.transcripts.save(session_id=session_id, original_name="one.vtt", document=WEBVTT)
    app = opened(session_id)
    app.text_input(key=f"transcript_find_{session_id}").set_value("SINCE").run()
    assert [row["time"] for row in component(calm(app), "rows", 1)["rows"]] == [9.0]
    box(app, "Speaker").set_value("The subject")
    run(app)
    assert "Nothing in the transcript fits." in words(app)


def test_recognised_words_are_shown_with_their_doubts_and_where_they_come_from(store: Store) -> None:
    analysis = replace(made(), turns=sample_turns(1), transcription=sample_transcription())
    session_id = session_with(store, analysis)
    app = calm(opened(session_id))
    assert "Recognised by Moonshine tiny (English), not written by a person." in words(app)
    rows = [[cell["text"] for cell in row["cells"]] for row in component(app, "rows", 1)["rows"]]
    assert rows == [
        ["0:00", "The subject", "I have been sleeping badly"],
        ["0:03", "Speaker 2", "(?) =Yes"],
        ["0:05", "", "(?)"],
    ]
    assert [row["cells"][2]["muted"] for row in component(app, "rows", 1)["rows"]] == [False, True, True]
    box(app, "Speaker").set_value("The subject")
    run(app)
    assert [row["time"] for row in component(calm(app), "rows", 1)["rows"]] == [0.5]


def test_who_speaks_when_is_drawn_and_measured(store: Store) -> None:
    turns = tuple(Turn(4.0 * n, 4.0 * n + 3, 1 + n % 2, 1.0) for n in range(14))
    speaking = {"turns": turn_series(turns, 2, BY_VOICES), "speaker_choice": SpeakerChoice.MOUTH}
    session_id = session_with(store, replace(made(), **speaking))
    app = calm(opened(session_id))
    said = words(app)
    assert "The subject is the speaker with whose speech the mouth moves." in said
    assert "1.00 s (13)" in said, "the median response time of the talk"
    assert "Speakers were told by their voices" in said
    assert "Transcript" in names(timeline(app))
    without = words(calm(opened(session_with(store, made("model-b"), label="P-2"))))
    assert "Who speaks when" not in without


def test_a_transcript_of_a_person_is_shown_in_place_of_recognised_words(store: Store) -> None:
    session_id = session_with(store, replace(made(), transcription=sample_transcription()))
    app = opened(session_id)
    press(calm(give(app, "talk.vtt", WEBVTT)), "Keep transcript")
    said = words(calm(app))
    assert "Recognised by" not in said
    assert "the subject is Client" in said


def test_a_file_that_is_no_transcript_is_told_and_not_kept(store: Store) -> None:
    session_id = session_with(store, made())
    app = give(opened(session_id), "talk.vtt", b"no cues at all")
    assert not app.exception
    assert "holds no cues" in app.error[0].value
    assert store.transcripts.get(session_id=session_id) is None


def test_a_transcript_is_removed_and_the_analysis_with_it_stays(store: Store) -> None:
    from service.jobs.sidecar import digest

    session_id = session_with(store)
    kept = store.transcripts.save(session_id=session_id, original_name="one.vtt", document=WEBVTT)
    store.analyses.save(session_id=session_id, analysis=replace(made(), sidecar_digest=digest(kept)))
    store.analyses.save(session_id=session_id, analysis=made())
    app = opened(session_id)
    assert "This transcript is part of another analysis of this session" in words(app)
    chooser = box(app, "Analysis")
    assert "with transcript" in chooser.options[1]
    chooser.select_index(1)
    run(app)
    assert "This transcript is part of another" not in words(app)
    assert "not part of the analysis" not in words(app)
    press(app, "Remove transcript")
    assert store.transcripts.get(session_id=session_id) is None
    assert len(store.sessions.get_detail(session_id=session_id).analyses) == 2
    assert "No transcript" in words(app)


def test_an_analysis_without_frames_says_so(store: Store) -> None:
    whole = made()
    line = whole.timeline
    none = replace(
        whole,
        timeline=type(line)(**{name: value[:0] for name, value in vars(line).items() if value is not None}),
        embeddings=whole.embeddings[:0],
        sampling=Sampling(fps=2.0),
    )
    session_id = session_with(store)
    store.analyses.save(session_id=session_id, analysis=none, settings=Settings())
    assert "The recording has no frames at this sampling" in words(opened(session_id))


def test_the_face_is_marked_with_its_box_and_landmarks(recordings: Recordings) -> None:
    path = str(recordings(seconds=1))
    box_ = (40.0, 30.0, 120.0, 130.0)
    points = ((60.0, 60.0), (100.0, 60.0), (80.0, 80.0), (65.0, 105.0), (95.0, 105.0))
    without, crop = loaders.pictures(path, 0.0, box_, None, "#FF0000")
    marked, _ = loaders.pictures(path, 0.0, box_, points, "#FF0000")
    bare, nothing = loaders.pictures(path, 0.0, None, None, "#FF0000")
    assert crop is not None
    assert nothing is None
    assert (without != bare).any()
    changed = np.argwhere((marked != without).any(axis=2))
    near = [np.abs(changed - np.array([y, x])).max(axis=1).min() for x, y in points]
    assert max(near) <= 1
    assert all(min(np.hypot(row - y, column - x) for x, y in points) < 9 for row, column in changed)
    assert tuple(marked[60, 60]) == (255, 0, 0)


def test_the_mesh_is_drawn_over_the_moment_on_request(filled: AppSettings, store: Store) -> None:
    session_id = next(row.session.id for row in store.sessions.list_recent(limit=50) if row.session.media_path)
    app = opened(session_id)
    next(one for one in app.toggle if one.label == "Show the face mesh").set_value(True)
    assert "The mesh does not fit the face" in html_of(run(app)), (
        "there is none at the place that the made analysis names"
    )


def test_the_recording_is_steered_by_numbered_wishes(filled: AppSettings, store: Store) -> None:
    """The same moment can be wished for twice, and a pause is no wish."""
    session_id = next(row.session.id for row in store.sessions.list_recent(limit=50) if row.session.media_path)
    app = opened(session_id)
    assert component(app, "seek")["seek"] is None
    for turn in (1, 2):
        app.slider(key=f"slider_{session_id}").set_value(1.0 if turn == 1 else 2.0)
        run(app)
        assert component(app, "seek")["seek"] == {"time": float(turn), "turn": turn}
    analysis = store.sessions.get_detail(session_id=session_id).analyses[0]
    assert component(app, "seek")["chart"] == f"timeline_{analysis.id}"


def two_microphones(installation: AppSettings, store: Store, folder: Path) -> str:
    """An analysed session of a recording with two sound tracks. Returns its id."""
    tracks = [sounds.noise(1), sounds.noise(1, seed=1)]
    path = sounds.write_tracks(folder / "s.mkv", tracks, titles=["therapist", "client"], pictures=True)
    subject = store.subjects.create(label="P-2")
    added = add_recording(
        installation,
        store,
        path,
        subject_id=subject.id,
        recorded_at=NOW,
        consent_by="AB",
        consent_text="1",
        enqueue=False,
    )
    info = replace(recording_info(5, 60), sha256=probe(path).sha256)
    warning = video_messages.TRACKS_ADDED(count=2, tracks=("1 (therapist)", "2 (client)"))
    store.analyses.save(session_id=added.session_id, analysis=replace(made(), recording=info, warnings=(warning,)))
    return added.session_id


def test_the_sound_of_two_microphones_is_said_and_can_be_chosen(
    installation: AppSettings, store: Store, tmp_path: Path
) -> None:
    session_id = two_microphones(installation, store, tmp_path)
    app = opened(session_id)
    assert "these are heard together: 1 (therapist), 2 (client)" in words(app)
    choice = box(app, "Sound")
    assert choice.options == ["As the program chooses", "Track 1 (therapist)", "Track 2 (client)"]
    choice.select_index(2)
    press(run(app), "Analyse this sound")
    job = store.jobs.latest(session_id=session_id)
    assert job is not None
    assert job.settings is not None
    assert job.settings["sound_track"] == 2
    assert "Waiting" in words(app)


@pytest.mark.slow
def test_a_sound_that_was_analysed_before_stands_for_the_session_once_it_is_chosen(
    installation: AppSettings, store: Store, tmp_path: Path
) -> None:
    session_id = two_microphones(installation, store, tmp_path)
    (first,) = store.sessions.get_detail(session_id=session_id).analyses
    settings = replace(Settings.from_dict(first.settings), sound=SoundChoice(2))
    record = store.analyses.load_session_analysis(analysis_id=first.id)
    second_id = store.analyses.save(session_id=session_id, analysis=record, settings=settings)
    app = opened(session_id)
    box(app, "Sound").select_index(0)
    press(run(app), "Use this sound")
    assert store.jobs.latest(session_id=session_id) is None
    chosen, other = store.sessions.get_detail(session_id=session_id).analyses
    assert (chosen.id, other.id) == (first.id, second_id)
    assert box(app, "Sound").index == 0
    assert "chosen by hand" not in words(app)


def test_the_sound_of_a_new_recording_can_be_chosen_where_it_came_in(
    installation: AppSettings, store: Store, tmp_path: Path
) -> None:
    session_id = two_microphones(installation, store, tmp_path)
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.session_state["arrived"] = {session_id: Arrival(session_id, "P-2 · s.mkv", duplicate=False)}
    app.switch_page("app_pages/new_session.py")
    run(app)
    assert app.expander[0].label.startswith("Whose sound is heard in P")
    box(app, "Sound").select_index(1)
    press(run(app), "Analyse this sound")
    job = store.jobs.latest(session_id=session_id)
    assert job is not None
    assert job.settings is not None
    assert job.settings["sound_track"] == 1


def test_once_the_recording_is_removed_its_sound_cannot_be_chosen(
    installation: AppSettings, store: Store, tmp_path: Path
) -> None:
    session_id = two_microphones(installation, store, tmp_path)
    store.sessions.set_media_path(session_id=session_id, media_path=None)
    app = opened(session_id)
    assert "its sound cannot be analysed again" in words(app)
    assert [one.label for one in app.selectbox if one.label == "Sound"] == []
