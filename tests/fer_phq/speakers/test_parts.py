"""Tracks and channels that have a speaker each, and those that have not."""

from __future__ import annotations

import numpy as np
import pytest
import sounds

from fer_phq.core.analysis import SoundChoice
from fer_phq.speakers import diarize
from fer_phq.speakers.parts import PartListener

RATE = sounds.RATE


def two_microphones(bleed_db: float) -> sounds.Samples:
    """Two people who take turns of four seconds and then speak at once, each at a microphone that hears the other."""
    first, second = np.zeros(24 * RATE, np.float32), np.zeros(24 * RATE, np.float32)
    for number, start_s in enumerate((0.5, 9.5)):
        first[round(start_s * RATE) :][: 4 * RATE] = sounds.talk(120, 4, seed=number, pause_every_s=99)[0]
        second[round((start_s + 4.5) * RATE) :][: 4 * RATE] = sounds.talk(125, 4, seed=9 + number, pause_every_s=99)[0]
    first[19 * RATE : 22 * RATE] = sounds.talk(120, 3, seed=20, pause_every_s=99)[0]
    second[19 * RATE : 22 * RATE] = sounds.talk(125, 3, seed=21, pause_every_s=99)[0]
    bleed = 10 ** (bleed_db / 20)
    noise = [sounds.noise(24, level=0.0005, seed=seed) for seed in (30, 31)]
    columns = np.stack([first + bleed * second + noise[0], second + bleed * first + noise[1]], axis=1)
    return columns.astype(np.float32)


def speakers_at(turns, time_s):
    return {turn.speaker for turn in turns if turn.start_s <= time_s < turn.end_s}


def check_two(diarization):
    assert diarization.is_by_part
    assert [warning.code for warning in diarization.warnings] == ["speakers.separate_parts"]
    assert diarization.speakers == 2
    times = {2.5: {1}, 7.0: {2}, 11.5: {1}, 16.0: {2}, 20.5: {1, 2}, 18.6: set(), 23.0: set()}
    assert {time_s: speakers_at(diarization.turns, time_s) for time_s in times} == times


def test_channels_of_two_microphones_are_the_speakers_though_the_voices_are_alike():
    check_two(diarize(two_microphones(-40)))
    check_two(diarize(two_microphones(-15)))  # each hears the other a little


def test_tracks_and_channels_of_files_are_the_speakers(tmp_path):
    columns = two_microphones(-20)
    check_two(diarize(sounds.write_wav(tmp_path / "stereo.wav", columns)))
    check_two(diarize(sounds.write_tracks(tmp_path / "tracks.mka", [columns[:, 0], columns[:, 1]])))


def test_a_track_that_ends_early_ends_with_silence(tmp_path):
    columns = two_microphones(-40)
    path = sounds.write_tracks(tmp_path / "tracks.mka", [columns[:, 0], columns[: 18 * RATE, 1]])
    diarization = diarize(path)
    assert diarization.is_by_part
    assert speakers_at(diarization.turns, 20.5) == {1}
    assert diarization.duration_s == 24.0


def listen(columns):
    listener = PartListener(columns.shape[1])
    listener.push(np.clip(columns, -1, 1).astype(np.float32))
    return listener.finish()


def test_channels_that_hold_the_same_are_no_speakers():
    mono = two_microphones(-40).mean(axis=1)
    assert listen(two_microphones(-40)) is not None
    for columns in (np.stack([mono, mono], 1), np.stack([mono, 0.5 * mono], 1), two_microphones(-3)):
        assert listen(columns) is None
    assert not diarize(np.stack([mono, 0.5 * mono], 1)).is_by_part


def test_a_silent_or_noisy_channel_is_no_speaker():
    mono = two_microphones(-40).sum(axis=1)
    for other in (np.zeros_like(mono), sounds.noise(24, level=0.005), sounds.noise(24, level=0.1)):
        assert listen(np.stack([mono, other], axis=1)) is None


def test_a_channel_that_was_chosen_is_heard_alone(tmp_path):
    path = sounds.write_wav(tmp_path / "stereo.wav", two_microphones(-60))
    diarization = diarize(path, choice=SoundChoice(channel=2))
    assert not diarization.is_by_part
    assert speakers_at(diarization.turns, 7.0) == {1}
    assert speakers_at(diarization.turns, 2.5) == set()


def test_turns_of_channels_end_where_the_speech_does():
    columns = two_microphones(-40)
    levels = np.sqrt(np.convolve(columns[:, 0].astype(np.float64) ** 2, np.ones(160) / 160, "same"))
    loud = np.flatnonzero(levels > 0.03 * levels.max()) / RATE
    for turn in diarize(columns).turns:
        if turn.speaker == 1 and turn.end_s < 18:  # alone: in an overlap levels decide
            last_s = loud[loud < turn.end_s + 0.5].max()
            assert turn.end_s == pytest.approx(last_s, abs=0.08), turn
