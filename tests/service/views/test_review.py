"""What the review of a session draws and lists: thinned, smoothed and found without ever hiding a gap."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from synthetic_sessions import Plan, synthetic_analysis

from db.records import AnalysisRecord, AnalysisSummary, NoteRecord
from fer_phq.core.analysis import Sampling, SessionAnalysis, TrackSummary
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.phq import PhqUnavailable, UnavailableReason
from fer_phq.voice.kinds import COLUMNS, KIND
from fer_phq.words import parse_transcript
from service.views import review
from service.views.review import Window

NOW = datetime(2026, 5, 6, tzinfo=UTC)


def summary(name: str, model_id: str = "model-a") -> AnalysisSummary:
    return AnalysisSummary(
        name, "s", model_id, Sampling(), {}, "", 1.0, 1, 1, None, None,
        PhqUnavailable(UnavailableReason.NO_HEAD), (), NOW,
    )  # fmt: skip


def record(analysis: SessionAnalysis, *others: TrackSummary) -> AnalysisRecord:
    """As the store would give it; every ninth frame is of low quality."""
    analysis.timeline.quality[::9] *= 0.2
    return AnalysisRecord(summary("a"), analysis.timeline, (*analysis.tracks, *others), analysis.timing)


def frames(seconds: float = 60.0, fps: float = 2.0, coverage: float = 0.9) -> pd.DataFrame:
    return review.frame_states(record(synthetic_analysis(5, Plan(seconds=seconds, fps=fps, coverage=coverage))))


def test_the_active_models_newest_analysis_is_shown_first() -> None:
    newest, mine, older = summary("3", "model-b"), summary("2"), summary("1")
    assert review.default_analysis([newest, mine, older], "model-a") == mine
    assert review.default_analysis([newest, mine], "model-c") == newest
    assert review.default_analysis([newest, mine], None) == newest
    assert review.default_analysis([], "model-a") is None


def test_frames_have_a_state() -> None:
    analysis = synthetic_analysis(5, Plan(seconds=60, coverage=0.8))
    table = review.frame_states(record(analysis))
    quality = analysis.timeline.quality
    assert (table["state"] == "gap").tolist() == (~analysis.timeline.has_face).tolist()
    assert (table["state"] == "low").tolist() == (quality < review.LOW_QUALITY).tolist()
    assert set(table["state"]) == {"gap", "low", "face"}
    assert table.loc[table["state"] == "gap", list(EMOTIONS)].isna().all(axis=None)


def test_few_frames_are_drawn_as_they_are() -> None:
    table = frames()
    drawn = review.drawn_frames(table)
    assert drawn["time_s"].tolist() == table["time_s"].tolist()
    assert drawn["state"].tolist() == table["state"].tolist()
    assert np.allclose(drawn[list(EMOTIONS)], table[list(EMOTIONS)], equal_nan=True)
    assert np.allclose(drawn["to_s"][:-1], drawn["from_s"][1:])


@pytest.mark.parametrize("fps", [2, pytest.param(12, marks=pytest.mark.slow)])
def test_an_hour_is_drawn_with_few_rows_and_all_of_its_gaps(fps: int) -> None:
    table = frames(3600, fps, coverage=0.97)
    table.loc[100, [*EMOTIONS, "quality", "detection_score"]] = np.nan
    table.loc[100, "state"] = "gap"
    drawn = review.drawn_frames(table)
    assert len(drawn) < 1400
    assert drawn["frames"].sum() == len(table) == 3600 * fps
    gaps = drawn["state"] == "gap"
    assert drawn.loc[gaps, "frames"].sum() == (table["state"] == "gap").sum()
    assert drawn.loc[gaps, list(EMOTIONS)].isna().all(axis=None)
    assert not drawn.loc[~gaps, list(EMOTIONS)].isna().any(axis=None)
    assert ((drawn["from_s"] <= 100 / fps) & (drawn["to_s"] > 100 / fps) & gaps).any(), "a gap of one frame is hidden"
    low = (table["state"] == "low").to_numpy()
    worst = drawn.loc[drawn["state"] == "low"]
    times = table["time_s"].to_numpy()
    inside = [((worst["from_s"] <= t) & (worst["to_s"] >= t)).any() for t in times[low][:20]]
    assert low.any()
    assert all(inside)


def test_a_window_shows_every_frame_and_stays_while_a_moment_in_it_is_chosen() -> None:
    table = frames(3600, 12)
    window = review.window_at(table, 130.0, 120.0)
    assert window == review.window_at(table, 200.0, 120.0)
    assert window != review.window_at(table, 250.0, 120.0)
    assert window.from_s <= 130 <= window.to_s
    drawn = review.drawn_frames(table, window, most=2000)
    assert len(drawn) == 120 * 12
    whole = review.window_at(table, 130.0, None)
    assert len(review.within(table, whole)) == len(table)
    assert review.window_at(frames(10), 3.0, 120.0) == review.window_at(frames(10), 9.0, None)
    assert review.window_at(table.iloc[:0], 3.0, 120.0) == Window(0.0, 1.0)


def test_smoothing_changes_emotions_and_nothing_else() -> None:
    table = frames()
    smooth = review.smoothed(table, 3.0)
    assert review.smoothed(table, 0.0) is table
    others = [name for name in table.columns if name not in EMOTIONS]
    pd.testing.assert_frame_equal(smooth[others], table[others])
    seen = table["state"] != "gap"
    assert np.allclose(smooth.loc[seen, list(EMOTIONS)].sum(axis=1), 1)
    assert smooth.loc[~seen, list(EMOTIONS)].isna().all(axis=None)
    assert smooth["happiness"].std() < table["happiness"].std()


def test_raw_values_reach_from_the_lowest_to_the_highest() -> None:
    table = frames(3600, 12, coverage=1.0)
    raw = review.raw_values(table)
    assert set(raw["emotion"]) == set(EMOTIONS)
    assert len(raw) == 7 * 1200
    mine = raw[raw["emotion"] == "sadness"]
    assert mine["low"].min() == pytest.approx(table["sadness"].min())
    assert mine["high"].max() == pytest.approx(table["sadness"].max())
    few = review.raw_values(frames())
    assert (few["low"] == few["high"]).all()
    assert len(few) == 7 * (frames()["state"] != "gap").sum()


@pytest.mark.parametrize(("minutes", "width_s"), [(0.5, 0.0), (3, 0.0), (4, 2.0), (10, 5.0), (30, 15.0), (180, 60.0)])
def test_the_longer_what_is_drawn_the_wider_its_smoothing(minutes: float, width_s: float) -> None:
    assert review.automatic_width(review.Window(100.0, 100.0 + 60 * minutes)) == width_s


def test_episodes_are_those_of_the_unsmoothed_frames() -> None:
    table = frames(120)
    found = review.episode_table(table)
    assert len(found)
    assert found["onset_s"].is_monotonic_increasing
    assert (found["dwell_s"] == found["offset_s"] - found["onset_s"]).all()
    assert review.episode_table(table.iloc[:0]).empty


def test_other_people_are_all_but_the_subject() -> None:
    analysis = synthetic_analysis(5, Plan(seconds=60))
    other = TrackSummary(7, 12, 3.0, 9.5, 0.02, is_subject=False)
    table = review.other_people(record(analysis, other))
    assert table.to_dict("records") == [{"person": 7, "track": 7, "first_s": 3.0, "last_s": 9.5, "frames": 12}]
    assert review.other_people(record(analysis)).empty


def sound(rows: int) -> FeatureSeries:
    values = np.zeros((rows, len(COLUMNS)), np.float32)
    values[:, COLUMNS.index("speech_probability")] = np.arange(rows) % 2
    values[:, COLUMNS.index("loudness_db")] = -40 + 10 * (np.arange(rows) % 2)
    values[:, COLUMNS.index("f0_semitones")] = 24.0
    return FeatureSeries(values, (np.arange(rows) + 0.5) / 10, KIND, COLUMNS)


def test_the_voice_of_an_hour_is_thinned() -> None:
    table = review.voice_table(sound(36_000), Window(0, 3600))
    assert len(table) == 1200
    assert table["speech"].to_numpy() == pytest.approx(np.full(1200, 0.5), abs=0.04)
    assert (table["loudness_db_low"] == -40).all()
    assert (table["loudness_db_high"] == -30).all()
    assert table["pitch_hz"].to_numpy() == pytest.approx(np.full(1200, 110.0)), "24 semitones above 27.5 Hz"


def test_pitch_is_that_of_speech_and_a_window_that_of_its_rows() -> None:
    table = review.voice_table(sound(100), Window(2.0, 4.0))
    assert table["time_s"].tolist() == pytest.approx(((np.arange(20, 40) + 0.5) / 10).tolist())
    assert table["pitch_hz"].isna().tolist() == [True, False] * 10
    assert review.voice_table(None, Window(0, 9)).empty
    assert review.voice_table(FeatureSeries(np.zeros((3, 5), np.float32), kind="other-1"), Window(0, 9)).empty


def test_what_another_said_was_not_measured() -> None:
    channel = sound(40)
    channel.values[10:20] = np.nan
    table = review.voice_table(channel, Window(0, 4))
    assert table["speech"].isna().tolist() == [False] * 10 + [True] * 10 + [False] * 20


def test_utterances_know_whose_they_are() -> None:
    text = b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Client>Yes.\n\n00:03.000 --> 00:04.000\n<v Doctor>Why?\n"
    transcript = parse_transcript(text, "one.vtt")
    table = review.utterance_table(transcript, None)
    assert table["is_subject"].tolist() == [True, False]
    assert table["speaker"].tolist() == ["Client", "Doctor"]
    assert review.utterance_table(transcript, "doctor")["is_subject"].tolist() == [False, True]
    with pytest.raises(FerPhqError, match="has no speaker"):
        review.utterance_table(transcript, "Nobody")
    nameless = parse_transcript(b"WEBVTT\n\n00:01.000 --> 00:02.000\nYes.\n", "two.vtt")
    assert review.utterance_table(nameless, None)[["speaker", "is_subject"]].to_numpy().tolist() == [["", True]]


def test_notes_of_a_moment_begin_with_their_tag() -> None:
    def note(time_s: float | None, words: str, tag: str | None) -> NoteRecord:
        return NoteRecord("n", "s", time_s, words, tag, NOW, NOW)

    table = review.note_table([note(None, "late", None), note(3.0, "looks away", "gaze"), note(4.0, "", "pause")])
    assert table["time_s"].tolist() == [3.0, 4.0]
    assert table["words"].tolist() == ["gaze: looks away", "pause"]
