"""The voices of a session: how much each speaks, and a piece in which nobody else does."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest
import sounds
from two_voices import HIGH, LOW, SPANS, pitch_of, write_talk

from fer_phq.core.analysis import SoundChoice
from fer_phq.core.errors import RecordingError
from fer_phq.speakers.files.series import BY_VOICES, turn_series
from fer_phq.speakers.turn import Turn
from service.views.speech.samples import list_voices, read_sample


def turns(*spans: tuple[float, float, int]) -> list[Turn]:
    return [Turn(*span, 0.9) for span in spans]


def samples_of(document: bytes) -> sounds.Samples:
    with wave.open(io.BytesIO(document)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (sounds.RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768)


def test_each_voice_has_its_share_and_the_middle_of_its_longest_turn() -> None:
    first, second = list_voices(turn_series(turns(*SPANS), 2, BY_VOICES))
    assert (first.speaker, first.is_subject, first.turns, second.is_subject) == (1, False, 2, True)
    assert (first.speech_s, first.share) == (pytest.approx(6.5), pytest.approx(6.5 / 14.5))
    assert first.sample == (pytest.approx(1.1), pytest.approx(4.1))
    assert second.sample == (pytest.approx(12.9), pytest.approx(15.9))
    assert list_voices(turn_series((), None, BY_VOICES)) == ()


@pytest.mark.parametrize(
    ("spoken", "sample"),
    [
        (turns((0, 9, 1), (4.1, 5, 2)), (0.5, 3.5)),  # 0 to 4, which is longer than 5.1 to 9
        (turns((0, 9, 1), (1, 2, 2), (1.5, 3, 3)), (4.55, 7.55)),  # those of two others that overlap
        (turns((0, 1, 1), (1, 2, 2)), (0, 0.9)),  # shorter than three seconds: all of it but what is near another's
        (turns((0, 5, 1), (0, 5, 2)), None),
        (turns((0, 5, 1), (0.5, 5, 2)), None),  # 0.4 s alone
        (turns((0, 5, 1), (0, 1, 2), (2, 5, 2)), (1.1, 1.9)),
    ],
)
def test_a_piece_has_nobody_else_in_it(spoken: list[Turn], sample: tuple[float, float] | None) -> None:
    voice = list_voices(turn_series(spoken, None, BY_VOICES))[0]
    assert voice.is_subject is None
    assert voice.sample == (None if sample is None else pytest.approx(sample))


def test_the_piece_is_of_that_voice(tmp_path: Path) -> None:
    path = write_talk(tmp_path / "talk.mkv")
    for voice, hertz in zip(list_voices(turn_series(turns(*SPANS), None, BY_VOICES)), (LOW, HIGH), strict=True):
        assert voice.sample is not None
        samples = samples_of(read_sample(path, voice.sample))
        assert len(samples) == pytest.approx(3 * sounds.RATE, abs=1)
        assert pitch_of(samples) == pytest.approx(hertz, rel=0.2)


def test_the_piece_is_of_the_sound_that_was_chosen(tmp_path: Path) -> None:
    low, high = sounds.talk(LOW, 6.0, seed=1)[0], sounds.talk(HIGH, 6.0, seed=2)[0]
    path = sounds.write_tracks(tmp_path / "tracks.mkv", [low, high])
    for track, hertz in ((1, LOW), (2, HIGH)):
        samples = samples_of(read_sample(path, (1.0, 4.0), SoundChoice(track)))
        assert pitch_of(samples) == pytest.approx(hertz, rel=0.2)


def test_a_recording_that_ends_before_is_not_silence(tmp_path: Path) -> None:
    path = write_talk(tmp_path / "talk.mkv")
    with pytest.raises(RecordingError, match="ends before 60 s"):
        read_sample(path, (60.0, 63.0))
    with pytest.raises(RecordingError, match="gone"):
        read_sample(tmp_path / "gone.mkv", (0.0, 3.0))
