"""The catalogue of measures, and what is taken of an analysis."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analysis_samples import sample_analysis, sample_transcription, sample_words

from fer_phq.behaviour.columns import KIND as BEHAVIOUR_KIND
from fer_phq.behaviour.series import COLUMNS as BEHAVIOUR_COLUMNS
from fer_phq.core.analysis import Settings, display_durations
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.phq import Modality
from fer_phq.features.measures import (
    BEHAVIOUR,
    BY_NAME,
    MEASURES,
    MIN_SPEECH_S,
    MIN_WORDS,
    TURNS,
    VERSION,
    VERSION_KEY,
    session_measures,
    versioned_measures,
)
from fer_phq.speakers.files.series import BY_VOICES, turn_series
from fer_phq.speakers.turn import Turn
from fer_phq.voice.functionals import FUNCTIONALS
from fer_phq.voice.kinds import COLUMNS, EARLIER_KIND, KIND
from fer_phq.words import Transcript, Utterance, word_features

SETTINGS = Settings()


def voice(speech_s: float, total_s: float = 20.0) -> FeatureSeries:
    """Speech of a rising pitch, then silence; ten rows a second."""
    rows, spoken = round(total_s * 10), round(speech_s * 10)
    values = np.full((rows, len(COLUMNS)), 0.5, np.float32)
    column = {name: i for i, name in enumerate(COLUMNS)}
    values[:, column["speech_probability"]] = np.arange(rows) < spoken
    values[:, column["f0_semitones"]] = np.linspace(30, 40, rows)
    values[:, column["loudness_db"]] = np.arange(rows) % 2
    values[:, column["syllable_nuclei"]] = np.arange(rows) % 3 == 0
    return FeatureSeries(values, (np.arange(rows) + 0.5) / 10, KIND, COLUMNS)


def behaviour(rate: float, seconds: float = 20.0, unseen: float = 0.0) -> FeatureSeries:
    """A face that turns slowly, blinks every two seconds, smiles half of the time, and is not seen at the beginning."""
    time_s = np.arange(0, seconds, 1 / rate)
    values = np.zeros((len(time_s), len(BEHAVIOUR_COLUMNS)), np.float32)
    column = {name: i for i, name in enumerate(BEHAVIOUR_COLUMNS)}
    values[:, column["yaw_deg"]] = 10 * np.sin(time_s)
    smiles = np.clip(np.sin(time_s) * 4, 0, 1)
    for side in ("Left", "Right"):
        values[:, column[f"mouthSmile{side}"]] = 0.5 * smiles
    openness = 0.3 - 0.25 * np.interp(time_s % 2, [1, 1.08, 1.16, 1.32], [0, 1, 1, 0], left=0, right=0)
    values[:, column["eye_open_left"]] = values[:, column["eye_open_right"]] = openness
    values[time_s < unseen] = np.nan
    return FeatureSeries(
        values, time_s, BEHAVIOUR_KIND, BEHAVIOUR_COLUMNS, display_durations(time_s, seconds), float(rate)
    )


def words(count: int) -> FeatureSeries:
    """An utterance a second, of ten English words with two of the first person."""
    said = "I think that the day was good and I slept"
    lines = [Utterance(float(i), i + 0.5, "A", said) for i in range(count // 10)]
    return word_features(Transcript(tuple(lines)), "A")


def test_the_catalogue_is_whole() -> None:
    assert len(MEASURES) == 43
    assert set(BY_NAME) == {one.name for one in MEASURES} | set(EMOTIONS)
    assert VERSION_KEY not in BY_NAME
    for one in MEASURES:
        assert one.title[0].isupper()
        assert one.description.endswith(".")
        assert one.source
        assert one.direction.endswith(".")
        assert len(one.name) <= 40


def test_every_functional_exists() -> None:
    full = replace(sample_analysis(frames=40, gaps=()), voice=voice(10), words=words(200), behaviour=behaviour(30))
    full = replace(full, turns=talk(1))
    assert set(session_measures(full, SETTINGS)) == {one.name for one in MEASURES}
    assert {one.functional for one in MEASURES if one.modality is Modality.VOICE} <= set(FUNCTIONALS)


def talk(subject: int | None) -> FeatureSeries:
    """Two minutes of two who take turns of four seconds, each with a pause of a second, and overlap by 0.1 s."""
    turns = [
        Turn(start_s, start_s + length_s, 1 + n % 2, 1.0)
        for n in range(24)
        for start_s, length_s in ((5.0 * n, 2.0), (5.0 * n + 3.0, 2.1))
    ]
    return turn_series(turns, subject, BY_VOICES)


def test_measures_of_turns_are_the_subjects_in_their_units() -> None:
    analysis = sample_analysis(frames=60, gaps=())
    analysis = replace(analysis, recording=replace(analysis.recording, duration_s=240.0))
    known = session_measures(replace(analysis, turns=talk(2)), SETTINGS)
    assert known["response_time"] == pytest.approx(-100.0)
    assert known["turn_pause"] == pytest.approx(1000.0)
    assert known["turn_length"] == pytest.approx(5.1)
    assert known["turns_at_talk_a_minute"] == pytest.approx(3.0)
    unknown = session_measures(replace(analysis, turns=talk(None)), SETTINGS)
    assert {name for name in unknown if BY_NAME[name].modality == TURNS} == {"overlap_share", "silence_share"}
    assert unknown["silence_share"] == pytest.approx(known["silence_share"])


def test_measures_of_a_face() -> None:
    analysis = sample_analysis(frames=60, gaps=())
    line = analysis.timeline
    emotions = np.full((60, 7), 0.02, np.float32)
    top = np.where(np.arange(60) % 20 < 5, EMOTIONS.index("happiness"), EMOTIONS.index("neutral"))
    emotions[np.arange(60), top] = 0.88
    found = session_measures(replace(analysis, timeline=replace(line, emotions=emotions)), SETTINGS)
    assert found["smiling_share"] == pytest.approx(0.25)
    assert found["neutral_share"] == pytest.approx(0.75)
    assert found["expressivity"] == pytest.approx(1 - (0.75 * 0.88 + 0.25 * 0.02), abs=1e-6)
    assert found["smiles_a_minute"] == pytest.approx(3 / 0.5), "three smiles in 30 s"
    assert found["transitions_a_minute"] == pytest.approx(5 / 0.5)
    assert set(found) == {one.name for one in MEASURES if one.modality is Modality.FACE}


def test_a_face_that_may_not_be_judged_is_not_measured() -> None:
    seldom = sample_analysis(frames=20, gaps=tuple(range(16)))
    assert session_measures(seldom, SETTINGS) == {}
    heard = session_measures(replace(seldom, voice=voice(10)), SETTINGS)
    assert set(heard) == {one.name for one in MEASURES if one.modality is Modality.VOICE}
    assert session_measures(seldom, replace(SETTINGS, coverage_floor=0.1, min_face_frames=2))


def test_measures_of_a_voice() -> None:
    faceless = sample_analysis(frames=2, gaps=(0, 1))
    found = session_measures(replace(faceless, voice=voice(10, 20)), SETTINGS)
    assert found["speaking_share"] == pytest.approx(0.5)
    assert found["pitch_mean"] == pytest.approx(32.49, abs=0.02)
    assert found["loudness_sd"] == pytest.approx(0.5, abs=0.01)
    assert found["pauses_a_minute"] == 0
    little = session_measures(replace(faceless, voice=voice(MIN_SPEECH_S - 0.1)), SETTINGS)
    assert set(little) == {"speaking_share"}


def test_of_an_earlier_voice_all_but_the_pitch_is_measured() -> None:
    faceless = sample_analysis(frames=40, gaps=tuple(range(40)))
    today = session_measures(replace(faceless, voice=voice(10)), SETTINGS)
    earlier = session_measures(replace(faceless, voice=replace(voice(10), kind=EARLIER_KIND)), SETTINGS)
    assert set(today) - set(earlier) == {"pitch_mean", "pitch_sd"}
    assert {name: today[name] for name in earlier} == pytest.approx(earlier)
    assert "speaking_share" in earlier


def test_words_need_some_words() -> None:
    faceless = sample_analysis(frames=2, gaps=(0, 1))
    found = session_measures(replace(faceless, words=words(100)), SETTINGS)
    given = {"words_a_minute": pytest.approx(1200), "first_person_share": pytest.approx(0.2), "recognised_share": 0.0}
    assert found == given
    recognised = replace(faceless, words=words(100), transcription=sample_transcription())
    assert session_measures(recognised, SETTINGS) == given | {"recognised_share": 1.0}
    assert session_measures(replace(faceless, words=words(MIN_WORDS - 10)), SETTINGS) == {}


def test_behaviour_is_measured_in_its_units() -> None:
    analysis = replace(sample_analysis(frames=40, gaps=tuple(range(40))), behaviour=behaviour(30))
    found = session_measures(analysis, SETTINGS)
    assert set(found) == {one.name for one in MEASURES if one.modality == BEHAVIOUR}
    assert found["blinks_a_minute"] == pytest.approx(30, abs=0.2)
    assert found["blink_duration"] == pytest.approx(270, abs=35), "milliseconds"
    assert found["smile_intensity"] == pytest.approx(24.2, abs=0.5), "per cent: 9.7 of 20 s at a half"
    assert found["face_rate"] == pytest.approx(30)


def test_behaviour_below_its_rate_or_seen_too_little_is_missing() -> None:
    faceless = sample_analysis(frames=40, gaps=tuple(range(40)))
    all_of_it = {one.name for one in MEASURES if one.modality == BEHAVIOUR}
    slow = session_measures(replace(faceless, behaviour=behaviour(10)), SETTINGS)
    needy = {"blinks_a_minute", "blink_duration", "eyes_closed_share", "nods_a_minute", "shakes_a_minute"}
    assert all_of_it - set(slow) == needy
    assert session_measures(replace(faceless, behaviour=behaviour(30, unseen=10.5)), SETTINGS) == {}
    other = replace(behaviour(30), kind="mesh-0")
    assert session_measures(replace(faceless, behaviour=other), SETTINGS) == {}


def test_channels_of_another_kind_are_left_alone() -> None:
    faceless = sample_analysis(frames=2, gaps=(0, 1))
    foreign = FeatureSeries(np.zeros((9, 2), np.float32), kind="other")
    assert session_measures(replace(faceless, voice=foreign, words=sample_words()), SETTINGS) == {}
    assert versioned_measures(faceless, SETTINGS) == {VERSION_KEY: VERSION}


def test_values_are_said_with_their_unit() -> None:
    assert BY_NAME["smiling_share"].format(0.234) == "23 %"
    assert BY_NAME["pitch_sd"].format(3.44) == "3.4 semitones"
    assert BY_NAME["pitch_sd"].format(math.nan) == "–"


def test_the_catalogue_is_read_without_the_networks() -> None:
    code = "import sys, fer_phq.features.measures; sys.exit('onnxruntime' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode == 0
