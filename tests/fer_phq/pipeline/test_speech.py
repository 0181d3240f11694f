"""Whose voice and words they are, and what is said when nobody knows."""

import itertools
import logging
import wave
from dataclasses import replace

import numpy as np
import pytest
import sounds

from fer_phq import analyze, load_model
from fer_phq.core.analysis import Settings, SoundChoice, Step
from fer_phq.core.errors import AnalysisCancelled, FerPhqError, SettingsError
from fer_phq.core.phq import Modality
from fer_phq.core.sidecar import Sidecar
from fer_phq.features.functionals import count_measured
from fer_phq.pipeline.messages import SOUND_OF_OTHER_LENGTH, VOICE_OF_EVERYONE
from fer_phq.pipeline.speech import extract_speech, load_sidecar
from fer_phq.video import probe

SENTENCE = "I have been sleeping badly for two weeks and I am tired all of the time"


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """Ten seconds: speech, a pause, speech again."""
    if not sounds.has_espeak():
        pytest.skip("no espeak-ng here")
    folder = tmp_path_factory.mktemp("speech")
    said = sounds.speak(SENTENCE, folder / "said.wav")[: 4 * sounds.RATE]
    gap = np.zeros(10 * sounds.RATE, said.dtype)
    gap[: len(said)] = said
    gap[5 * sounds.RATE : 5 * sounds.RATE + len(said)] = said
    return sounds.write_wav(folder / "session.wav", gap)


def transcript(folder, *speakers):
    """The first four seconds and the last five, by these speakers."""
    path = folder / "session.csv"
    times = ((0.0, 4.0), (5.0, 9.5))
    lines = [f"{a},{b},{who},{SENTENCE}" for (a, b), who in zip(times, speakers, strict=True)]
    path.write_text("\n".join(["start,end,speaker,text", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("seconds", "is_told"), [(10, False), (9, False), (6, True), (14, True)])
def test_a_separate_sound_of_another_length_is_told(recordings, tmp_path, seconds, is_told):
    path = sounds.write_wav(tmp_path / "microphone.wav", sounds.noise(seconds))
    features = extract_speech(probe(recordings(seconds=10, fps=4)), load_sidecar(Sidecar(audio=path)))
    told = [str(warning) for warning in features.warnings if warning.code == SOUND_OF_OTHER_LENGTH.code]
    assert bool(told) == is_told
    assert all(f"lasts {seconds}.0 s and the recording 10.0 s" in sentence for sentence in told)


def test_only_the_subjects_turns_are_heard(recordings, speech, tmp_path):
    recording = probe(recordings(seconds=10, fps=4))
    everyone = extract_speech(recording, load_sidecar(Sidecar(audio=speech)))
    assert everyone.warnings == (VOICE_OF_EVERYONE(),)
    assert everyone.words is None
    told = extract_speech(recording, load_sidecar(Sidecar(transcript(tmp_path, "Therapist", "Client"), audio=speech)))
    assert told.warnings == ()
    silent = told.voice.time_s < 5
    assert np.isnan(told.voice.values[silent]).all()
    assert 0 < count_measured(told.voice) < count_measured(everyone.voice)
    assert len(told.words) == 1
    assert told.words.time_s[0] == 5.0


def test_a_transcript_beyond_the_recording_is_a_warning(recordings, tmp_path):
    recording = probe(recordings(seconds=3, fps=4))
    path = transcript(tmp_path, "Therapist", "Client")
    words = extract_speech(recording, load_sidecar(Sidecar(path)))
    (warning,) = map(str, words.warnings)
    assert warning.startswith("1 of 2 utterances of the transcript begin after the recording's end (3 s)")
    path.write_text(path.read_text().replace("\n0.0,4.0", "\n3600.0,3604.0").replace("\n5.0,9.5", "\n3605.0,3609.5"))
    (warning,) = map(str, extract_speech(recording, load_sidecar(Sidecar(path))).warnings)
    assert warning.startswith("2 of 2 utterances")
    assert extract_speech(replace(recording, duration_s=0.0), load_sidecar(Sidecar(path))).warnings == ()


@pytest.mark.slow
def test_a_speaker_may_be_named(recordings, speech, tmp_path):
    recording, path = probe(recordings(seconds=10, fps=4)), transcript(tmp_path, "A", "B")
    unknown = extract_speech(recording, load_sidecar(Sidecar(path, audio=speech)))
    assert "none is known to be the subject" in " ".join(map(str, unknown.warnings))
    assert VOICE_OF_EVERYONE() in unknown.warnings
    named = extract_speech(recording, load_sidecar(Sidecar(path, "a", speech)))
    assert named.warnings == ()
    assert np.isnan(named.voice.values[named.voice.time_s > 4]).all()
    with pytest.raises(FerPhqError, match="no speaker 'C'"):
        extract_speech(recording, load_sidecar(Sidecar(path, "C", speech)))


def test_a_recording_without_sound_has_no_voice(recordings):
    heard = extract_speech(probe(recordings(seconds=2, fps=4)), load_sidecar(Sidecar()))
    assert (heard.voice, heard.words, heard.warnings) == (None, None, ())


def test_the_digest_tells_files_and_speakers_apart(tmp_path, speech):
    assert Sidecar().digest() == ""
    one, other = transcript(tmp_path, "A", "B"), tmp_path / "other.csv"
    other.write_text(one.read_text().replace("tired", "weary"))
    found = {
        Sidecar(one).digest(),
        Sidecar(other).digest(),
        Sidecar(one, "A").digest(),
        Sidecar(one, audio=speech).digest(),
    }
    assert len(found) == 4
    with pytest.raises(FerPhqError, match="cannot be read"):
        Sidecar(tmp_path / "none.vtt").digest()


def test_an_analysis_carries_all_modalities(recordings, speech, tmp_path):
    model = load_model()
    path = recordings(seconds=10, fps=4)
    beside = Sidecar(transcript(tmp_path, "Client", "Client"), audio=speech)
    told = []
    analysis = analyze(path, model, on_progress=told.append, sidecar=beside)
    assert analysis.features.modalities == (Modality.FACE, Modality.VOICE, Modality.WORDS)
    assert analysis.face_kind == model.face_kind
    assert analysis.sidecar_digest == beside.digest() != ""
    assert analysis.timing.listen > 0
    steps = [step for step, _ in itertools.groupby(progress.step for progress in told)]
    assert steps == [step for step in Step if step is not Step.BEHAVIOUR]
    sound = [progress for progress in told if progress.step is Step.SOUND]
    assert sound[-1].done == sound[-1].total == pytest.approx(10, abs=0.2)
    assert [(p.done, p.total) for p in told if p.step is Step.WORDS] == [(0, 2), (2, 2)]
    assert [(p.done, p.total) for p in told if p.step is Step.ESTIMATE] == [(0, 1), (1, 1)]
    assert analysis.to_dict()["modalities"] == ["face", "voice", "words"]


@pytest.mark.parametrize("step", list(Step))
def test_an_analysis_can_be_cancelled_at_each_step(recordings, tmp_path, step):
    def cancel(progress):
        if progress.step is step:
            raise AnalysisCancelled("Stopped.")

    sidecar = Sidecar(transcript(tmp_path, "Client", "Client"))
    settings = Settings(face_rate=4 if step is Step.BEHAVIOUR else 0)
    with pytest.raises(AnalysisCancelled):
        analyze(recordings(seconds=6, fps=4, audio=True), load_model(), settings, on_progress=cancel, sidecar=sidecar)


def test_each_step_counts_in_its_own_unit(recordings, tmp_path, caplog):
    told = []
    with caplog.at_level(logging.INFO, "fer_phq.pipeline.session"):
        sidecar = Sidecar(transcript(tmp_path, "Client", "Client"))
        analyze(recordings(seconds=6, fps=4, audio=True), on_progress=told.append, sidecar=sidecar)
    steps = [step for step, _ in itertools.groupby(progress.step for progress in told)]
    assert steps == [step for step in Step if step is not Step.BEHAVIOUR]
    assert [(p.done, p.total) for p in told if p.step is Step.FACES][-1] == (12, 12)
    sound = [progress for progress in told if progress.step is Step.SOUND]
    assert sound[0].done == 0
    assert all(progress.total == pytest.approx(6, abs=0.2) for progress in sound)
    assert sound[-1].done == pytest.approx(6, abs=0.2)
    assert [(p.done, p.total) for p in told if p.step is Step.WORDS] == [(0, 2), (2, 2)]
    assert [(p.done, p.total) for p in told if p.step is Step.ESTIMATE] == [(0, 1), (1, 1)]
    (line,) = [record.message for record in caplog.records if record.name == "fer_phq.pipeline.session"]
    assert line.startswith(f"stages on cpu in {load_model().bundle.config.precision}: decode ")
    assert "listen" in line


def test_a_voice_that_cannot_be_used_says_why(recordings):
    path = recordings(seconds=2, fps=4)
    info = replace(probe(path), has_audio=True)  # as a container whose sound cannot be decoded
    (warning,) = extract_speech(info, load_sidecar(Sidecar())).warnings
    assert str(warning).startswith("The voice was left out: ")
    assert warning.params["reason"].code == "video.no_sound_track"


@pytest.mark.slow
def test_of_two_microphones_both_are_heard_or_the_chosen(speech, tmp_path):
    """The therapist speaks on the first track for five seconds, then the client on the second."""
    with wave.open(str(speech)) as file:
        voices = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
    first = np.arange(len(voices)) < 5 * sounds.RATE
    tracks = [np.where(first, voices, 0), np.where(first, 0, voices)]
    path = sounds.write_tracks(tmp_path / "s.mkv", tracks, titles=["therapist", "client"], pictures=True)
    recording = probe(path)
    both = extract_speech(recording, load_sidecar(Sidecar()))
    assert [warning.code for warning in both.warnings] == ["video.tracks_added", "pipeline.voice_of_everyone"]
    whole = count_measured(extract_speech(recording, load_sidecar(Sidecar(audio=speech))).voice)
    assert count_measured(both.voice) == pytest.approx(whole, abs=3)
    client = extract_speech(recording, load_sidecar(Sidecar()), sound=SoundChoice(track=2))
    assert [warning.code for warning in client.warnings] == ["pipeline.voice_of_everyone"]
    assert count_measured(client.voice) == pytest.approx(whole / 2, rel=0.1)
    probability = client.voice.values[:, 0]
    assert probability[client.voice.time_s < 4.9].max() < 0.5


def test_an_impossible_choice_of_the_sound_ends_before_the_work(recordings, tmp_path):
    steps = []
    with pytest.raises(SettingsError, match="no sound of which a track can be chosen"):
        analyze(recordings(seconds=2, fps=4), settings=Settings(sound=SoundChoice(2)), on_progress=steps.append)
    path = sounds.write_tracks(tmp_path / "s.flac", [sounds.noise(1)])
    with pytest.raises(SettingsError, match="no channel 2 in sound track 1, which has 1 channel"):
        analyze(
            recordings(seconds=2, fps=4),
            settings=Settings(sound=SoundChoice(channel=2)),
            on_progress=steps.append,
            sidecar=Sidecar(audio=path),
        )
    assert steps == []


def test_a_given_file_that_is_no_sound_is_told(recordings, tmp_path):
    (tmp_path / "notes.wav").write_text("not a sound")
    with pytest.raises(FerPhqError) as error:
        analyze(recordings(seconds=2, fps=4), sidecar=Sidecar(audio=tmp_path / "notes.wav"))
    assert "\n" not in str(error.value)
