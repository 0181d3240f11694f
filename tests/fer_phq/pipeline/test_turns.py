"""Who speaks when in a session, and which speaker is the subject."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sounds
from analysis_samples import sample_analysis, sample_turns, sample_voice
from behaviour_samples import sample_behaviour

import fer_phq.speakers
from fer_phq import analyze, load_model
from fer_phq.core.analysis import Settings, SoundChoice, SpeakerChoice, Step
from fer_phq.core.errors import AnalysisCancelled, RecordingError
from fer_phq.core.messages import literal
from fer_phq.core.sidecar import Sidecar
from fer_phq.pipeline import messages
from fer_phq.pipeline.document import analysis_document
from fer_phq.pipeline.speech import extract_speech, load_sidecar
from fer_phq.pipeline.turns import MOUTH_REASONS, forget_mouth, speaker_by_labels, speaker_by_turns
from fer_phq.speakers import Turn, diarize
from fer_phq.speakers import messages as reasons
from fer_phq.speakers.files.series import subject_of, turns_of
from fer_phq.speakers.messages import SEPARATE_PARTS
from fer_phq.video import probe

LOW, HIGH = 105, 230
PARTS = ((LOW, 4.0), (HIGH, 3.0), (LOW, 2.5), (HIGH, 5.0))
SPANS = ((0.6, 4.6), (5.2, 8.2), (8.8, 11.3), (11.9, 16.9))


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """Seventeen seconds of a low and a high voice in turn, at the times of `SPANS`."""
    blocks = [sounds.silence(0.6)]
    for number, (hertz, seconds) in enumerate(PARTS):
        blocks += [sounds.talk(hertz, seconds, seed=number, pause_every_s=99)[0], sounds.silence(0.6)]
    sound = np.concatenate(blocks)
    sound = sound + sounds.noise(len(sound) / sounds.RATE, level=0.0005, seed=99)
    return sounds.write_wav(tmp_path_factory.mktemp("talk") / "talk.wav", sound)


@pytest.fixture(scope="module")
def recording(recordings):
    return probe(recordings(seconds=17, fps=2))


def transcript(folder, *speakers, shift_s=0.0):
    """The turns of `SPANS` by these speakers, all as much later."""
    path = folder / "session.csv"
    lines = [
        f"{start_s + shift_s},{end_s + shift_s},{who},I have been sleeping badly"
        for (start_s, end_s), who in zip(SPANS, speakers, strict=True)
    ]
    path.write_text("\n".join(["start,end,speaker,text", *lines]) + "\n", encoding="utf-8")
    return path


def listen(recording, sidecar, **options):
    return extract_speech(recording, load_sidecar(sidecar), with_turns=True, **options)


def test_turns_are_those_of_diarize_and_the_voice_is_as_without_them(recording, talk):
    speech = listen(recording, Sidecar(audio=talk))
    diarization = diarize(talk)
    assert [(turn.start_s, turn.end_s, turn.speaker) for turn in turns_of(speech.turns)] == [
        (turn.start_s, pytest.approx(turn.end_s), turn.speaker) for turn in diarization.turns
    ]
    assert diarization.speakers == 2
    assert speech.speaker_choice is SpeakerChoice.NO_MOUTH
    assert subject_of(speech.turns) is None
    without = extract_speech(recording, load_sidecar(Sidecar(audio=talk)))
    assert without.turns is without.speaker_choice is None
    np.testing.assert_array_equal(speech.voice.values, without.voice.values)
    assert without.warnings == (messages.VOICE_OF_EVERYONE(),)
    assert speech.warnings == (messages.VOICE_OF_SPEAKERS(speakers=2, reason=reasons.NO_MOUTH()),)


@pytest.mark.parametrize(("low", "high", "subject"), [("Client", "Therapist", 1), ("Therapist", "Client", 2)])
def test_the_subjects_speaker_is_where_the_transcript_has_the_subject(recording, talk, tmp_path, low, high, subject):
    speech = listen(recording, Sidecar(transcript(tmp_path, low, high, low, high), audio=talk))
    assert (subject_of(speech.turns), speech.speaker_choice) == (subject, SpeakerChoice.TRANSCRIPT)
    assert speech.warnings == ()


def test_a_transcript_that_names_nobody_chooses_nobody(recording, talk, tmp_path):
    speech = listen(recording, Sidecar(transcript(tmp_path, "A", "B", "A", "B"), audio=talk))
    assert (subject_of(speech.turns), speech.speaker_choice) == (None, SpeakerChoice.NO_MOUTH)


def test_a_transcript_of_another_talk_chooses_nobody_and_says_so(recording, talk, tmp_path):
    path = transcript(tmp_path, "Client", "Therapist", "Client", "Therapist", shift_s=2.5)
    speech = listen(recording, Sidecar(path, audio=talk))
    assert (subject_of(speech.turns), speech.speaker_choice) == (None, SpeakerChoice.LABELS_DISAGREE)
    assert messages.SPEAKER_LABELS_DISAGREE() in speech.warnings


@pytest.fixture(scope="module")
def long_talk(tmp_path_factory):
    """A minute of a low and a high voice in turn, at times of no period, and when each of them speaks."""
    blocks = [sounds.silence(0.6)]
    spans = {LOW: [], HIGH: []}
    time_s = 0.6
    for number, seconds in enumerate(np.random.default_rng(3).uniform(1.5, 6.0, 16).round(1)):
        hertz = (LOW, HIGH)[number % 2]
        blocks += [sounds.talk(hertz, seconds, seed=number, pause_every_s=99)[0], sounds.silence(0.6)]
        spans[hertz].append((time_s, time_s + seconds))
        time_s += seconds + 0.6
    sound = np.concatenate(blocks)
    sound = sound + sounds.noise(len(sound) / sounds.RATE, level=0.0005, seed=99)
    return sounds.write_wav(tmp_path_factory.mktemp("talk") / "talk.wav", sound), spans, time_s


def mouth(spans, seconds, rate=25.0):
    """A face whose mouth opens and closes four times a second in these spans, and is still in between."""
    series = sample_behaviour(rate, seconds)
    opening = 0.02 * np.random.default_rng(5).random(len(series))
    for start_s, end_s in spans:
        is_open = (series.time_s >= start_s) & (series.time_s < end_s)
        opening[is_open] += 0.2 + 0.2 * np.sin(2 * np.pi * 4 * series.time_s[is_open])
    values = series.values.copy()
    for name in ("mouth_open", "jawOpen"):
        values[:, series.names.index(name)] = opening
    return replace(series, values=values)


def measured_s(voice, spans):
    """How many seconds of a voice are measured within spans, and how many outside of them."""
    is_measured = np.isfinite(voice.values).any(axis=1)
    is_within = np.any([(voice.time_s >= start_s) & (voice.time_s < end_s) for start_s, end_s in spans], axis=0)
    step_s = float(np.median(np.diff(voice.time_s)))
    return (is_measured & is_within).sum() * step_s, (is_measured & ~is_within).sum() * step_s


@pytest.mark.parametrize("hertz", [pytest.param(LOW, marks=pytest.mark.slow), HIGH])
def test_the_voice_is_that_of_the_speaker_with_whom_the_mouth_moves(recording, long_talk, hertz):
    path, spans, seconds = long_talk
    speech = listen(recording, Sidecar(audio=path), behaviour=mouth(spans[hertz], seconds))
    assert speech.speaker_choice is SpeakerChoice.MOUTH
    assert subject_of(speech.turns) == (1 if hertz == LOW else 2)
    own_s, others_s = measured_s(speech.voice, spans[hertz])
    assert own_s > 0.8 * sum(end_s - start_s for start_s, end_s in spans[hertz])
    assert others_s < 0.05 * own_s
    codes = [warning.code for warning in speech.warnings]
    assert messages.SUBJECT_BY_MOUTH.code in codes
    assert messages.VOICE_OF_EVERYONE.code not in codes


def test_a_mouth_that_moves_with_nobody_leaves_the_voice_everyones_and_says_so(recording, long_talk):
    path, _, seconds = long_talk
    speech = listen(recording, Sidecar(audio=path), behaviour=mouth([], seconds))
    assert (subject_of(speech.turns), speech.speaker_choice) == (None, SpeakerChoice.MOUTH_STILL)
    without = extract_speech(recording, load_sidecar(Sidecar(audio=path)))
    np.testing.assert_array_equal(speech.voice.values, without.voice.values)
    (said,) = [warning for warning in speech.warnings if warning.code == messages.VOICE_OF_SPEAKERS.code]
    assert said.params["reason"].code == reasons.MOUTH_STILL.code
    assert str(said).startswith("2 speakers are heard, and which of them is the subject is not known")


def test_a_transcript_that_names_the_subject_is_believed_before_the_mouth(recording, talk, tmp_path):
    sidecar = Sidecar(transcript(tmp_path, "Client", "Therapist", "Client", "Therapist"), audio=talk)
    speech = listen(recording, sidecar, behaviour=mouth([SPANS[1], SPANS[3]], 17.5))
    assert (subject_of(speech.turns), speech.speaker_choice) == (1, SpeakerChoice.TRANSCRIPT)


@pytest.fixture(scope="module")
def monologue(tmp_path_factory):
    blocks = []
    spans = []
    time_s = 0.0
    for number, (silent_s, spoken_s) in enumerate(np.random.default_rng(4).uniform((1, 2), (3, 6), (9, 2)).round(1)):
        blocks += [sounds.silence(silent_s), sounds.talk(LOW, spoken_s, seed=number, pause_every_s=99)[0]]
        spans.append((time_s + silent_s, time_s + silent_s + spoken_s))
        time_s += silent_s + spoken_s
    return sounds.write_wav(tmp_path_factory.mktemp("talk") / "monologue.wav", np.concatenate(blocks)), spans, time_s


def test_a_person_alone_whose_mouth_moves_needs_no_warning(recording, monologue):
    path, spans, seconds = monologue
    speech = listen(recording, Sidecar(audio=path), behaviour=mouth(spans, seconds))
    assert (subject_of(speech.turns), speech.speaker_choice) == (1, SpeakerChoice.MOUTH)
    assert {warning.code for warning in speech.warnings} == {messages.SOUND_OF_OTHER_LENGTH.code}


def test_a_voice_alone_may_be_somebodys_who_is_not_in_view(recording, tmp_path):
    sound = np.concatenate([sounds.silence(1), sounds.talk(LOW, 15, seed=1)[0], sounds.silence(1)])
    speech = listen(recording, Sidecar(audio=sounds.write_wav(tmp_path / "voice.wav", sound)))
    assert (subject_of(speech.turns), speech.speaker_choice) == (None, SpeakerChoice.NO_MOUTH)
    assert speech.warnings == (messages.VOICE_OF_ONE(reason=reasons.NO_MOUTH()),)


def spoken_analysis(choice, subject, *warnings):
    analysis = replace(sample_analysis(voice=sample_voice()), warnings=warnings)
    return replace(analysis, turns=sample_turns(subject), speaker_choice=choice)


def test_other_faces_have_another_mouth():
    by_mouth = messages.SUBJECT_BY_MOUTH(speaker=1, speakers=2, correlation=0.6, score=9.0)
    forgotten = forget_mouth(spoken_analysis(SpeakerChoice.MOUTH, 1, by_mouth))
    assert forgotten.voice is None
    assert (subject_of(forgotten.turns), forgotten.speaker_choice) == (None, SpeakerChoice.OTHER_FACES)
    assert forgotten.warnings == (messages.VOICE_OF_OTHER_FACES(),)
    assert turns_of(forgotten.turns) == turns_of(sample_turns())
    assert forget_mouth(forgotten) is forgotten


def test_a_voice_of_all_stays_that_with_other_faces():
    everyones = messages.VOICE_OF_SPEAKERS(speakers=2, reason=reasons.NO_MOUTH())
    forgotten = forget_mouth(spoken_analysis(SpeakerChoice.NO_MOUTH, None, everyones))
    assert forgotten.voice is not None
    assert forgotten.warnings == (messages.VOICE_OF_SPEAKERS(speakers=2, reason=messages.MOUTH_OF_OTHER_FACES()),)
    labelled = spoken_analysis(SpeakerChoice.TRANSCRIPT, 1)
    assert forget_mouth(labelled) is labelled


def test_each_reason_of_the_mouth_has_its_choice():
    assert {SpeakerChoice(code.removeprefix("speakers.")) for code in MOUTH_REASONS} == set(MOUTH_REASONS.values())


def turns(*spans):
    return [Turn(start_s, end_s, speaker, 1.0) for start_s, end_s, speaker in spans]


@pytest.mark.parametrize(
    ("spoken", "labels", "speaker"),
    [
        (turns((0, 10, 1), (10, 20, 2)), [(0, 10)], 1),
        (turns((0, 10, 1), (10, 20, 2)), [(10, 20)], 2),
        (turns((0, 10, 1), (10, 20, 2)), [(0, 8)], 1),  # exactly 0.8 of the talk
        (turns((0, 10, 1), (10, 20, 2)), [(0, 7.9)], None),
        (turns((0, 10, 1), (10, 20, 2)), [(0, 14)], 1),  # 1 against 0.4
        (turns((0, 10, 1), (10, 20, 2)), [(0, 15.5)], None),  # 1 against 0.55
        (turns((0, 10, 1), (10, 20, 2)), [(0, 4), (6, 10)], 1),
        (turns((0, 10, 1)), [(0, 10)], 1),
        (turns((0, 10, 1)), [], None),
        (turns((0, 10, 1)), [(30, 40)], None),
        (turns((0, 1, 1), (1, 100, 2)), [(0, 40)], None),  # speaker 2 has 39 s of the subject's, and speaker 1 one
    ],
)
def test_a_speaker_is_chosen_only_where_labels_fit_clearly(spoken, labels, speaker):
    assert speaker_by_labels(spoken, np.array(labels, float).reshape(-1, 2)) == speaker


CHOSEN = [(0, 10), (20, 30)]


@pytest.mark.parametrize(
    ("spoken", "speaker"),
    [
        (turns((0, 10, 1), (10, 20, 2), (20, 30, 1)), 1),
        (turns((0, 10, 7), (10, 20, 3), (20, 30, 7)), 7),  # the same one by another number
        (turns((0, 10, 2), (10, 20, 1), (20, 30, 2)), 2),  # numbers changed places
        (turns((0.1, 9.9, 1), (10, 20, 2), (20.1, 30.2, 1)), 1),  # ends that moved a little
        (turns((0, 10, 1), (2, 3, 2), (5, 6, 2), (20, 30, 1)), 1),  # another speaks in these turns alone
        (turns((0, 30, 1)), None),  # both voices were taken for one
        (turns((0, 10, 1), (10, 20, 2), (20, 30, 3)), None),  # the voice was taken for two
        (turns((0, 10, 1), (10, 20, 2), (20, 26, 1), (26, 30, 2)), 1),  # exactly 16 s of 20 in common
        (turns((0, 10, 1), (10, 20, 2), (20, 25.9, 1), (26, 30, 2)), None),
        (turns((0, 10, 1), (0, 10, 2), (20, 30, 1), (20, 30, 2)), None),  # two at the same times
        (turns((10, 20, 2)), None),  # the voice is not in the sound
        ([], None),
    ],
)
def test_a_chosen_speaker_is_found_by_times_and_never_by_number(spoken, speaker):
    assert speaker_by_turns(spoken, CHOSEN) == speaker


def test_the_voice_of_a_speaker_whom_a_person_chose_is_measured(recording, long_talk):
    path, spans, _seconds = long_talk
    heard = listen(recording, Sidecar(audio=path))
    for hertz, number in ((LOW, 1), (HIGH, 2)):
        chosen = [(turn.start_s, turn.end_s) for turn in turns_of(heard.turns) if turn.speaker == number]
        speech = listen(recording, Sidecar(audio=path), subject_turns=chosen)
        assert (subject_of(speech.turns), speech.speaker_choice) == (number, SpeakerChoice.HAND)
        own_s, others_s = measured_s(speech.voice, spans[hertz])
        assert own_s > 0.8 * sum(end_s - start_s for start_s, end_s in spans[hertz])
        assert others_s < 0.05 * own_s
        assert messages.SUBJECT_BY_HAND(speaker=number, speakers=2) in speech.warnings
        assert messages.VOICE_OF_SPEAKERS.code not in {warning.code for warning in speech.warnings}


def test_a_mouth_that_moves_with_another_speaker_than_the_chosen_one_is_a_warning(recording, long_talk):
    path, spans, seconds = long_talk
    face = mouth(spans[HIGH], seconds)
    heard = turns_of(listen(recording, Sidecar(audio=path)).turns)
    low, high = ([(turn.start_s, turn.end_s) for turn in heard if turn.speaker == number] for number in (1, 2))
    against = listen(recording, Sidecar(audio=path), behaviour=face, subject_turns=low)
    assert (subject_of(against.turns), against.speaker_choice) == (1, SpeakerChoice.HAND)
    (doubt,) = [warning for warning in against.warnings if warning.code == messages.MOUTH_AGAINST_CHOICE.code]
    assert (doubt.params["chosen"], doubt.params["speaker"]) == (1, 2)
    same = listen(recording, Sidecar(audio=path), behaviour=face, subject_turns=high)
    assert messages.MOUTH_AGAINST_CHOICE.code not in {warning.code for warning in same.warnings}


@pytest.mark.parametrize("chosen", [[(30.0, 40.0)], [(0.0, 17.5)]])
def test_a_chosen_voice_that_is_not_heard_again_is_nobodys(recording, talk, chosen):
    speech = listen(recording, Sidecar(audio=talk), subject_turns=chosen)
    assert (subject_of(speech.turns), speech.speaker_choice) == (None, SpeakerChoice.CHOICE_LOST)
    assert speech.voice is None
    assert messages.CHOICE_LOST() in speech.warnings


def test_without_turns_a_chosen_voice_is_not_everybodys(recording, talk, tmp_path, monkeypatch):
    path = sounds.write_wav(tmp_path / "noise.wav", sounds.noise(17))
    silent = listen(recording, Sidecar(audio=path), subject_turns=[(0.6, 4.6)])
    assert (silent.voice, silent.speaker_choice) == (None, None)
    assert messages.CHOICE_LOST() in silent.warnings

    def fail(*_, **__):
        raise RecordingError(literal("the decoder gave up"))

    monkeypatch.setattr(fer_phq.speakers, "diarize", fail, raising=False)
    failed = listen(recording, Sidecar(audio=talk), subject_turns=[(0.6, 4.6)])
    assert failed.voice is None
    assert messages.CHOICE_LOST() in failed.warnings


def test_a_transcript_that_names_the_subject_comes_before_the_choice_and_says_so(recording, talk, tmp_path):
    sidecar = Sidecar(transcript(tmp_path, "Client", "Therapist", "Client", "Therapist"), audio=talk)
    heard = turns_of(listen(recording, sidecar).turns)
    low, high = ([(turn.start_s, turn.end_s) for turn in heard if turn.speaker == number] for number in (1, 2))
    against = listen(recording, sidecar, subject_turns=high)
    assert (subject_of(against.turns), against.speaker_choice) == (1, SpeakerChoice.TRANSCRIPT)
    assert messages.TRANSCRIPT_BEFORE_CHOICE() in against.warnings
    assert against.voice is not None
    assert listen(recording, sidecar, subject_turns=low).warnings == ()


def test_other_faces_leave_a_choice_by_hand_as_it_is():
    by_hand = messages.SUBJECT_BY_HAND(speaker=1, speakers=2)
    doubt = messages.MOUTH_AGAINST_CHOICE(speaker=2, chosen=1, correlation=0.6, score=9.0)
    forgotten = forget_mouth(spoken_analysis(SpeakerChoice.HAND, 1, by_hand, doubt))
    assert (subject_of(forgotten.turns), forgotten.speaker_choice) == (1, SpeakerChoice.HAND)
    assert forgotten.voice is not None
    assert forgotten.warnings == (by_hand,), "these faces have another mouth"


def test_sound_without_speech_is_not_heard_twice(recording, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("heard again")

    monkeypatch.setattr(fer_phq.speakers, "diarize", refuse, raising=False)
    path = sounds.write_wav(tmp_path / "noise.wav", sounds.noise(17))
    speech = listen(recording, Sidecar(audio=path))
    assert len(speech.turns) == 0
    assert speech.speaker_choice is None


def test_a_recording_without_sound_has_no_turns(recording):
    speech = listen(recording, Sidecar())
    assert speech.turns is speech.speaker_choice is None


def test_sound_that_cannot_be_heard_again_is_a_warning(recording, talk, monkeypatch):
    def fail(*_, **__):
        raise RecordingError(literal("the decoder gave up"))

    monkeypatch.setattr(fer_phq.speakers, "diarize", fail, raising=False)
    speech = listen(recording, Sidecar(audio=talk))
    assert speech.turns is None
    assert messages.TURNS_LEFT_OUT(reason=literal("the decoder gave up")) in speech.warnings


def test_tracks_that_have_a_speaker_each_are_the_speakers(recording, tmp_path):
    low, high = (
        np.concatenate([block for side in sides for block in side])
        for sides in (
            [(sounds.talk(LOW, 4.0, seed=1, pause_every_s=99)[0], sounds.silence(4.0))] * 2,
            [(sounds.silence(4.0), sounds.talk(HIGH, 4.0, seed=2, pause_every_s=99)[0])] * 2,
        )
    )
    path = sounds.write_tracks(tmp_path / "tracks.mkv", [low, high])
    both = listen(recording, Sidecar(audio=path))
    assert {turn.speaker for turn in turns_of(both.turns)} == {1, 2}
    assert SEPARATE_PARTS() in both.warnings
    alone = listen(recording, Sidecar(audio=path), sound=SoundChoice(track=2))
    assert {turn.speaker for turn in turns_of(alone.turns)} == {1}
    assert min(turn.start_s for turn in turns_of(alone.turns)) > 3.5


@pytest.mark.usefixtures("default_speech")
def test_turns_are_part_of_an_analysis_where_nothing_is_said(recordings, talk, tmp_path):
    path = recordings(seconds=17, fps=2)
    told = []
    sidecar = Sidecar(transcript(tmp_path, "Client", "Therapist", "Client", "Therapist"), audio=talk)
    analysis = analyze(path, load_model(), on_progress=told.append, sidecar=sidecar)
    assert {turn.speaker for turn in turns_of(analysis.turns)} == {1, 2}
    assert analysis.speaker_choice is SpeakerChoice.TRANSCRIPT
    assert "turns" not in analysis.to_dict()["modalities"]
    document = analysis_document(analysis)
    assert document["speech"]["subject"] == {"speaker": 1, "chosen_by": "transcript", "unknown_because": None}
    assert document["behaviour"] is None
    done = [progress.done for progress in told if progress.step is Step.SOUND]
    assert max(np.maximum.accumulate(done) - done) < 0.2, "progress does not begin anew"
    off = analyze(path, load_model(), Settings(speech=False), sidecar=sidecar)
    assert off.turns is off.speaker_choice is None
    assert analysis_document(off)["speech"] is None
    assert off.phq == analysis.phq


def test_telling_who_speaks_can_be_cancelled(recording, talk):
    def cancel(progress):
        heard.append(progress)
        if len(heard) > voice_reports:
            raise AnalysisCancelled("Stopped.")

    heard = []
    voice_reports = 10**9
    extract_speech(recording, load_sidecar(Sidecar(audio=talk)), cancel)
    voice_reports = len(heard)
    heard.clear()
    with pytest.raises(AnalysisCancelled):
        listen(recording, Sidecar(audio=talk), on_progress=cancel)
