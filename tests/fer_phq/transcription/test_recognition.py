"""Words of real and of made-up speech, and what comes of sounds in which nobody says any."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import sounds

import fer_phq
from fer_phq.core.errors import RecordingError
from fer_phq.speakers import Turn
from fer_phq.transcription import Doubt, Segment, Source, Transcription, transcribe_sound
from fer_phq.transcription.guards import split_words
from tests.fer_phq.transcription.conftest import BECKETT, RATE, speak

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")


def words(transcription: Transcription) -> list[str]:
    return split_words(" ".join(segment.text for segment in transcription.segments))


def recognise(sound: np.ndarray, recognizer, block_s: float = 10, turns=()) -> Transcription:
    size = round(block_s * RATE)
    return transcribe_sound((sound[i : i + size] for i in range(0, len(sound), size)), recognizer, turns)


def relied_upon(transcription: Transcription) -> list[Segment]:
    return [segment for segment in transcription.segments if not segment.is_uncertain]


def test_a_recording_becomes_segments_with_the_times_of_its_speech(clip, recognizer):
    transcription = fer_phq.transcribe(clip)
    sure = words(Transcription(**{**vars(transcription), "segments": tuple(relied_upon(transcription))}))
    assert len(sure) >= 6
    assert set(sure) <= set(BECKETT.split())  # what is not marked was said
    assert sum(a == b for a, b in zip(words(transcription), BECKETT.split(), strict=True)) >= 11
    assert transcription.duration_s == pytest.approx(9.963, abs=0.01)
    assert (transcription.language, transcription.model_id) == ("en", "moonshine-tiny-en-d05f3599")
    first = transcription.segments[0]
    assert first.start_s == pytest.approx(0.4, abs=0.15)
    assert {segment.source for segment in transcription.segments} == {Source.RECOGNISED}
    assert all(a.end_s <= b.start_s for a, b in zip(transcription.segments, transcription.segments[1:], strict=False))
    assert "tried" not in repr(transcription)  # no log shows what was said


def test_words_do_not_depend_on_the_blocks_and_times_move_with_the_sound(phrases, recognizer):
    whole = recognise(phrases, recognizer)
    assert recognise(phrases, recognizer, block_s=0.31).segments == whole.segments
    late = recognise(np.concatenate([np.zeros(RATE * 50, np.float32), phrases]), recognizer)
    moved = [late.start_s - early.start_s for late, early in zip(late.segments, whole.segments, strict=True)]
    assert moved == pytest.approx([50.0] * len(moved), abs=0.1)


def test_each_segment_is_one_speakers_where_turns_are_known(phrases, recognizer):
    turns = [Turn(4.5, 10, 2, 1.0), Turn(0, 3.2, 1, 1.0), Turn(3.3, 4.5, 2, 1.0)]
    transcription = recognise(phrases, recognizer, turns=turns)
    assert {s.speaker for s in transcription.segments if s.end_s < 3.4} == {"Speaker 1"}
    assert {s.speaker for s in transcription.segments if s.start_s > 3.2} == {"Speaker 2"}
    both = recognise(phrases, recognizer, turns=[Turn(0, 10, 1, 1.0), Turn(0, 3, 2, 1.0)])
    assert all(Doubt.OVERLAP in s.doubts for s in both.segments if s.end_s < 3.1)
    assert not any(Doubt.OVERLAP in s.doubts for s in both.segments if s.start_s > 3)


def test_nothing_is_heard_where_nobody_speaks(recognizer):
    rng = np.random.default_rng(1)
    for sound in (
        np.zeros(5 * RATE, np.float32),
        rng.normal(0, 0.05, 5 * RATE).astype(np.float32),
        np.zeros(0, np.float32),
    ):
        transcription = recognise(sound, recognizer)
        assert transcription.segments == ()
        (warning,) = transcription.warnings
        assert str(warning) == "No speech is found in the sound: there are no words to recognise."


def test_an_hour_of_silence_costs_no_memory_and_hides_no_words(phrases, recognizer):
    silence = np.broadcast_to(np.float32(0), (3600 * RATE,))
    transcription = transcribe_sound([phrases[: 3 * RATE], silence, phrases], recognizer)
    late = [segment for segment in transcription.segments if segment.start_s > 3600]
    assert "failed" in " ".join(segment.text for segment in late).lower()
    assert late[0].start_s == pytest.approx(3603.4, abs=0.3)
    assert transcription.duration_s == pytest.approx(3603 + len(phrases) / RATE)


@pytest.mark.parametrize("notes", [(294.0, 330.0, 370.0, 392.0), (98.0,)])
def test_music_gives_no_words_to_rely_upon(notes, recognizer):
    music = (3 * sounds.melody(notes, 6)).astype(np.float32)
    assert not relied_upon(recognise(np.concatenate([music, np.zeros(RATE, np.float32)]), recognizer))


@needs_espeak
@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("de", "Ich habe diese Woche nicht gut geschlafen, und am Morgen brauche ich lange."),
        ("fi", "En ole nukkunut hyvin tällä viikolla, ja aamulla nouseminen kestää kauan."),
    ],
)
def test_another_language_gives_no_words_to_rely_upon(voice, text, recognizer):
    transcription = recognise(speak(voice, text), recognizer)
    assert transcription.segments
    assert not relied_upon(transcription)
    assert "another language than the model's (en)" in str(transcription.warnings[0])


@needs_espeak
def test_a_lone_murmur_is_marked(recognizer):
    transcription = recognise(speak("en-us", "Mm-hmm."), recognizer)
    assert transcription.segments
    assert all(Doubt.SHORT in segment.doubts for segment in transcription.segments)


def test_clipped_sound_is_told(phrases, recognizer):
    transcription = recognise(np.clip(phrases * 30, -1, 1), recognizer)
    assert any(str(warning).startswith("The sound is clipped") for warning in transcription.warnings)
    assert not any("clipped" in str(warning) for warning in recognise(phrases, recognizer).warnings)


def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path: Path, recognizer):
    path = tmp_path / "session.wav"
    path.write_bytes(b"RIFF" + bytes(400))
    with pytest.raises(RecordingError, match=r"session\.wav"):
        fer_phq.transcribe(path)
    with pytest.raises(RecordingError, match=r"missing\.wav"):
        fer_phq.transcribe(tmp_path / "missing.wav")
