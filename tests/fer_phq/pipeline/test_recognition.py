"""Recognised words of a session: where they come from, and which of them count as the subject's."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import sounds
from analysis_samples import sample_analysis, sample_transcription, sample_turns, sample_words

import fer_phq.transcription
from fer_phq import analyze, load_model
from fer_phq.core.analysis import AUTOMATIC, Settings, SpeakerChoice, Step
from fer_phq.core.errors import ModelError
from fer_phq.core.messages import literal
from fer_phq.core.sidecar import Sidecar
from fer_phq.core.speech.transcription import Doubt, Source
from fer_phq.pipeline import messages
from fer_phq.pipeline.document import analysis_document
from fer_phq.pipeline.recognition import recognise_words
from fer_phq.pipeline.speech import extract_speech, load_sidecar
from fer_phq.pipeline.turns import forget_mouth
from fer_phq.speakers import Turn
from fer_phq.speakers.files.series import BY_VOICES, turn_series
from fer_phq.video import probe
from fer_phq.words import PLAIN_NAMES

FIRST, SECOND = (Turn(0.0, 4.6, 1, 1.0), Turn(4.6, 10.0, 2, 1.0))


@pytest.fixture(scope="module")
def clip() -> Path:
    """Ten seconds of a person who reads six short phrases with pauses."""
    spec = find_spec("moonshine_voice")
    if spec is None:
        pytest.skip("needs the extra 'speech'")
    return Path(spec.submodule_search_locations[0]) / "assets" / "beckett.wav"


def series(subject):
    return turn_series((FIRST, SECOND), subject, BY_VOICES)


@pytest.mark.parametrize("subject", [1, 2])
def test_only_the_subjects_sure_words_are_features(clip, subject):
    recognised = recognise_words(clip, AUTOMATIC, series(subject))
    segments = recognised.transcription.segments
    sure = [s for s in segments if s.speaker == f"Speaker {subject}" and s.text and not s.doubts]
    assert 0 < len(sure) < len(segments)
    assert recognised.words.time_s.tolist() == [segment.start_s for segment in sure]
    counts = recognised.words.values[:, PLAIN_NAMES.index("words")]
    assert counts.tolist() == [len(segment.text.split()) for segment in sure]
    assert recognised.warnings == (messages.RECOGNISED(model_id="moonshine-tiny-en-d05f3599"),)


def test_words_of_nobody_in_particular_are_kept_and_count_in_no_estimate(clip):
    for turns in (series(None), None):
        recognised = recognise_words(clip, AUTOMATIC, turns)
        assert recognised.words is None
        assert any(segment.text for segment in recognised.transcription.segments)
        assert recognised.warnings == (messages.RECOGNISED_OF_NOBODY(),)


def test_doubtful_words_are_kept_and_count_in_no_estimate(clip, monkeypatch):
    whole = fer_phq.transcription.transcribe(clip, turns=(FIRST, SECOND))
    doubtful = tuple(replace(segment, doubts=(Doubt.UNLIKELY,)) for segment in whole.segments)
    monkeypatch.setattr(fer_phq.transcription, "transcribe", lambda *_, **__: replace(whole, segments=doubtful))
    recognised = recognise_words(clip, AUTOMATIC, series(1))
    assert recognised.words is None
    assert recognised.transcription.segments == doubtful
    assert recognised.warnings == (messages.RECOGNISED_UNSURE(language="en"),)


def test_without_the_extra_there_is_a_sentence_and_the_analysis_goes_on(recordings, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ModelError(literal("no weights"))

    monkeypatch.setattr(fer_phq.transcription, "transcribe", fail)
    path = sounds.write_wav(tmp_path / "talk.wav", sounds.talk(120, 8.0)[0])
    speech = extract_speech(
        probe(recordings(seconds=8, fps=2)), load_sidecar(Sidecar(audio=path)), with_recognition=True
    )
    assert speech.transcription is speech.words is None
    assert speech.voice is not None
    assert messages.NOT_RECOGNISED(reason=literal("no weights")) in speech.warnings


def test_recognised_words_are_part_of_an_analysis_only_where_asked_for(recordings, clip):
    path = recordings(seconds=10, fps=2)
    told = []
    sidecar = Sidecar(audio=clip)
    analysis = analyze(path, load_model(), Settings(recognition=True), on_progress=told.append, sidecar=sidecar)
    assert {segment.source for segment in analysis.transcription.segments} == {Source.RECOGNISED}
    assert analysis.words is None, "who of them is the subject is not known"
    document = analysis_document(analysis)
    assert document["recognition"] == {
        "source": "recognised",
        "model_id": "moonshine-tiny-en-d05f3599",
        "language": "en",
        "segments": len(analysis.transcription.segments),
        "uncertain": sum(segment.is_uncertain for segment in analysis.transcription.segments),
    }
    assert "fail" not in str(document), "the words are in no document of the analysis"
    done = [progress.done for progress in told if progress.step is Step.WORDS]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(10, abs=0.5)
    off = analyze(path, load_model(), Settings(), sidecar=sidecar)
    assert off.transcription is None
    assert analysis_document(off)["recognition"] is None


def test_what_a_person_wrote_is_not_recognised_beside(recordings, clip, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("recognised")

    monkeypatch.setattr(fer_phq.transcription, "transcribe", refuse)
    transcript = tmp_path / "words.csv"
    transcript.write_text("start,end,speaker,text\n0,2,Client,Ever tried\n", encoding="utf-8")
    sidecar = load_sidecar(Sidecar(transcript, audio=clip))
    speech = extract_speech(probe(recordings(seconds=10, fps=2)), sidecar, with_recognition=True)
    assert speech.transcription is None
    assert len(speech.words) == 1


def test_sound_without_speech_is_not_given_to_the_recogniser(recordings, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("recognised")

    monkeypatch.setattr(fer_phq.transcription, "transcribe", refuse)
    path = sounds.write_wav(tmp_path / "noise.wav", sounds.noise(6))
    sidecar = load_sidecar(Sidecar(audio=path))
    assert extract_speech(probe(recordings(seconds=6, fps=2)), sidecar, with_recognition=True).transcription is None


def test_other_faces_may_have_said_other_words():
    analysis = replace(
        sample_analysis(words=sample_words()),
        turns=sample_turns(1),
        speaker_choice=SpeakerChoice.MOUTH,
        transcription=sample_transcription(),
        warnings=(messages.RECOGNISED(model_id="m"),),
    )
    forgotten = forget_mouth(analysis)
    assert forgotten.words is None
    assert forgotten.transcription == sample_transcription()
    assert messages.RECOGNISED_OF_NOBODY() in forgotten.warnings
    assert not any(warning.code == messages.RECOGNISED.code for warning in forgotten.warnings)
    assert np.isnan(forgotten.turns.values[:, 1]).all()
