"""Why lines are broken: each reason where it applies, and none where it does not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from service.views.line_breaks import LineBreaks, line_breaks

DAYS = [0, 7, 14, 80, 87, 94]
FIRST = pd.Timestamp("2026-03-01 18:30")


def trend(**columns: object) -> pd.DataFrame:
    table = pd.DataFrame({"recorded_at": [FIRST + pd.Timedelta(days=day) for day in DAYS]})
    return table.assign(
        model_id="m1", coverage=0.9, face_rate=30.0, gaze_share=0.9, pitch_sd=2.0, expressivity=0.4, nods_a_minute=1.0,
        looking_down_share=0.1, response_time=400.0, silence_share=0.2, turns_kind="turns-1-voices",
        speaker_choice="mouth", has_sidecar=False, words_a_minute=120.0, recognised_share=1.0,
    ).assign(**columns)  # fmt: skip


def days(moments: object) -> list[int]:
    return [(pd.Timestamp(at) - FIRST).days for at in moments]  # type: ignore[attr-defined]


def test_a_gap_in_time_alone() -> None:
    breaks = line_breaks(trend(), ["pitch_sd"])
    assert [days(gap) for gap in breaks.gaps] == [[14, 80]]
    assert breaks == LineBreaks(breaks.gaps, (), (), (), (), (), (), ())


def test_nothing_breaks_an_even_line() -> None:
    assert line_breaks(trend().iloc[:3], ["pitch_sd", "nods_a_minute"]) == LineBreaks(*[()] * 8)
    assert line_breaks(trend().iloc[:0], ["pitch_sd"]) == LineBreaks(*[()] * 8)


def test_another_model_is_a_reason_for_every_measure() -> None:
    breaks = line_breaks(trend(model_id=["m1", "m2", "m2", "m2", "m1", "m1"]), ["pitch_sd"])
    assert days(breaks.models) == [7, 87]


def test_what_lies_before_or_behind_a_line_breaks_nothing() -> None:
    """A measure that came with another model has no line before, and none to break."""
    nan = np.nan
    table = trend(
        model_id=["m1", "m2", "m2", "m2", "m2", "m3"], face_rate=[30, 15, 15, 15, 15, 30],
        pitch_sd=[nan, nan, nan, 2.0, 2.0, nan], nods_a_minute=[nan, 1.0, 1.0, nan, nan, nan],
    )  # fmt: skip
    assert line_breaks(table, ["pitch_sd", "nods_a_minute"]) == LineBreaks(*[()] * 8)
    assert days(line_breaks(table, ["expressivity", "nods_a_minute"]).models) == [7, 94]


def test_rates_and_gazes_break_lines_of_the_face_alone() -> None:
    mixed = trend(face_rate=[30, 15, 15, 15, 15, 30], gaze_share=[0.9, 0.1, 0.1, 0.1, 0.1, 0.9])
    voice = line_breaks(mixed, ["pitch_sd"])
    nods = line_breaks(mixed, ["pitch_sd", "nods_a_minute"])
    looks = line_breaks(mixed, ["looking_down_share"])
    assert (voice.rates, voice.gazes, nods.gazes) == ((), (), ())
    assert days(nods.rates) == [7, 94]
    assert days(looks.rates) == days(looks.gazes) == [7, 94]


def test_voices_and_turns_break_where_they_were_told_otherwise() -> None:
    """A session without the measure, such as one whose subject is not known, breaks nothing of turn taking."""
    choices = ["mouth", "mouth_still", "mouth", "transcript", "transcript", "labels_disagree"]
    mixed = trend(
        speaker_choice=choices, response_time=[400.0, np.nan, 400.0, 400.0, 400.0, np.nan],
        turns_kind=["turns-1-voices"] * 4 + ["turns-2-voices"] * 2,
    )  # fmt: skip
    voice = line_breaks(mixed, ["pitch_sd"])
    assert (days(voice.voices), voice.turns) == ([7, 14, 80], ()), "at last the voice is the transcript's all the same"
    assert days(line_breaks(mixed, ["response_time"]).turns) == [80, 87]
    assert days(line_breaks(mixed, ["silence_share"]).turns) == [87], "whoever is the subject"
    assert days(line_breaks(mixed, ["response_time", "silence_share"]).turns) == [80, 87]
    assert line_breaks(mixed, ["nods_a_minute"]) == LineBreaks(line_breaks(mixed, ["pitch_sd"]).gaps, *[()] * 7)


def test_words_break_where_they_were_given_and_then_recognised() -> None:
    mixed = trend(
        recognised_share=[0.0, 1.0, 1.0, np.nan, 1.0, 1.0], words_a_minute=[120.0, 120.0, 120.0, np.nan, 120.0, 120.0],
        speaker_choice=["transcript", "mouth", "mouth", "no_mouth", "mouth", "mouth"],
    )  # fmt: skip
    breaks = line_breaks(mixed, ["words_a_minute"])
    assert (days(breaks.words), breaks.voices, breaks.turns) == ([7], (), ())
    assert line_breaks(mixed, ["recognised_share"]).words == ()
    earlier = mixed.assign(recognised_share=np.nan)
    assert line_breaks(earlier, ["words_a_minute"]).words == (), "measured by a version that did not say"


def test_a_session_without_the_measure_is_told_with_its_coverage_where_the_face_is_meant() -> None:
    coverage = [0.9, 0.2, 0.9, 0.9, 0.9, 0.1]
    expressivity = [0.4, np.nan, 0.4, 0.4, 0.4, np.nan]
    pitch = [2.0, 2.0, np.nan, 2.0, np.nan, 2.0]
    breaks = line_breaks(
        trend(coverage=coverage, expressivity=expressivity, pitch_sd=pitch), ["expressivity", "pitch_sd"]
    )
    assert days(session.at for session in breaks.unmeasured) == [7, 14, 87], "an end is no break"
    assert [session.coverage for session in breaks.unmeasured] == [0.2, None, None]
    assert line_breaks(trend(expressivity=np.nan), ["expressivity"]).unmeasured == ()
