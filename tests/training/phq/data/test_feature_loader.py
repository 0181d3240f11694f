"""Of a corpus the participant's turns count, and nothing is analysed that is not used."""

import numpy as np
import phq_corpora
import pytest

from fer_phq.models.checkpoint import find_bundle
from training.phq.data.daic import read_daic
from training.phq.data.feature_loader import FeatureLoader, load_features

INTERVIEWER = (0.1, 0.6)
PARTICIPANT = (0.9, 1.8)
"""Seconds of the turns that `phq_corpora` writes."""


@pytest.fixture
def daic_woz(tmp_path):
    """DAIC-WOZ, in which the interviewer's pitch is 220 Hz and the participant's 110 Hz; its sound is damaged."""
    folder = phq_corpora.write_daic_woz(tmp_path / "daic")
    for path in folder.glob("*/*_COVAREP.csv"):
        rows = np.loadtxt(path, delimiter=",")
        time_s = np.arange(len(rows)) / 100
        rows[:, :2] = 0
        for (start_s, end_s), pitch in ((INTERVIEWER, 220), (PARTICIPANT, 110)):
            rows[(time_s >= start_s) & (time_s < end_s), :2] = (pitch, 1)
        np.savetxt(path, rows, "%.6g", delimiter=",")
    for path in folder.glob("*/*_AUDIO.wav"):
        path.write_bytes(b"RIFF, but no sound: whoever reads it fails")
    return folder


def test_daic_woz_voice_is_the_participants_turns(daic_woz):
    sessions = read_daic(daic_woz).sessions
    data = load_features(sessions, FeatureLoader(find_bundle()))
    assert len(data) == len(sessions), "the sound is not read"
    for features in data.features:
        pitch = features.voice.values[:, 0]
        assert np.nanmean(pitch) == pytest.approx(110)
        measured = features.voice.time_s[~np.isnan(features.voice.values).all(axis=1)]
        assert PARTICIPANT[0] <= measured.min() <= measured.max() < PARTICIPANT[1], "silent rows count for nobody"
        assert features.words.time_s.tolist() == [PARTICIPANT[0]]
    assert data.notes == ()


def test_the_interviewer_of_a_corpus_is_read_for_controls_alone(daic_woz, tmp_path):
    sessions = read_daic(daic_woz).sessions
    loader = FeatureLoader(find_bundle())
    assert load_features(sessions, loader).interviewers == ()
    data = load_features(sessions, loader, with_interviewers=True)
    assert [series.time_s.tolist() for series in data.interviewers] == [[INTERVIEWER[0]]] * len(data)
    assert data.take(np.array([1])).interviewers == (data.interviewers[1],)
    e_daic = read_daic(phq_corpora.write_e_daic(tmp_path / "edaic")).sessions
    unnamed = load_features(e_daic, loader, with_interviewers=True)
    assert set(unnamed.interviewers) == {None}


def test_a_bin_that_two_people_share_is_nobodys(daic_woz):
    path = daic_woz / "302_P/302_TRANSCRIPT.csv"
    path.write_text(path.read_text().replace("0.9\t1.8", "0.55\t1.75"))
    (session,) = [s for s in read_daic(daic_woz).sessions if s.name == "daic-woz:302"]
    voice = FeatureLoader(find_bundle()).load(session).voice
    measured = voice.time_s[~np.isnan(voice.values).all(axis=1)]
    assert (measured.min(), measured.max()) == (pytest.approx(0.645), pytest.approx(1.645))


def test_daic_woz_without_a_transcript_has_no_voice(daic_woz):
    (daic_woz / "302_P/302_TRANSCRIPT.csv").unlink()
    data = load_features(read_daic(daic_woz).sessions, FeatureLoader(find_bundle()))
    by_name = {session.name: features for session, features in zip(data.sessions, data.features, strict=True)}
    assert by_name["daic-woz:302"].voice is None
    assert by_name["daic-woz:302"].face is not None
    assert by_name["daic-woz:303"].voice is not None
    assert [str(note)[:47] for note in data.notes] == ["1 session of the corpus has no transcript: its "]


def test_e_daic_words_are_not_used_unless_turns_are_there(tmp_path):
    folder = phq_corpora.write_e_daic(tmp_path / "edaic")
    turns = "Start_Time,End_Time,Text,Speaker\n0.1,0.6,how are you,Ellie\n0.9,1.8,good thank you,Participant\n"
    (folder / "data/601_P/601_Transcript.csv").write_text(turns)
    said: list[str] = []
    data = load_features(
        read_daic(folder).sessions, FeatureLoader(find_bundle()), notify=lambda line: said.append(str(line))
    )
    words = {s.name: f.words for s, f in zip(data.sessions, data.features, strict=True) if f.words is not None}
    assert list(words) == ["e-daic:601"]
    assert words["e-daic:601"].time_s.tolist() == [0.9]
    (note,) = data.notes
    assert str(note).startswith(f"The transcripts of {len(data) - 1} sessions do not say who speaks when: their words")
    assert str(note) in said
