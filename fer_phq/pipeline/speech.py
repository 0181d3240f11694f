"""Speech in a session: prosody of the subject's voice, features of its words where there is a transcript, turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_phq.core.analysis import (
    AUTOMATIC,
    Progress,
    ProgressHook,
    RecordingInfo,
    SoundChoice,
    SpeakerChoice,
    Step,
)
from fer_phq.core.errors import RecordingError, SettingsError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.core.sidecar import Sidecar
from fer_phq.core.speech.transcription import Transcription
from fer_phq.features.functionals import count_measured
from fer_phq.pipeline import messages
from fer_phq.pipeline.recognition import RecognisedWords, recognise_words
from fer_phq.pipeline.turns import SpeakerTurns, choose_speaker, subject_intervals
from fer_phq.runtime.sessions import release_step
from fer_phq.speakers.turn import Diarization
from fer_phq.video import list_sound_tracks
from fer_phq.words import (
    Transcript,
    has_minilm,
    intervals,
    language_warning,
    load_minilm,
    read_transcript,
    subject_speaker,
    word_features,
)

TOLERANCE_S = 1.0
"""Seconds after a recording's end in which an utterance may begin unnoticed: times and durations are often rounded."""


OTHER_LENGTH_S = 2.0
OTHER_LENGTH = 0.01
"""How much longer or shorter a separate sound may be unnoticed: seconds, or a share of a long recording."""


@dataclass(frozen=True, eq=False)
class SpeechFeatures:
    """Features of the subject's speech, and everybody's turns.

    Attributes:
        voice: Prosody, or None where there is no sound.
        words: Features of its utterances, or None where there is no transcript and none that is recognised.
        warnings: What limits them.
        turns: Everybody's turns; None where there is no sound, or they were not asked for.
        speaker_choice: How the subject's speaker was found, or why it is not known; None without a turn.
        transcription: The words as they were recognised; None where they were not.
    """

    voice: FeatureSeries | None
    words: FeatureSeries | None
    warnings: tuple[Message, ...]
    turns: FeatureSeries | None = None
    speaker_choice: SpeakerChoice | None = None
    transcription: Transcription | None = None


@dataclass(frozen=True, eq=False)
class LoadedSidecar:
    """The content of a recording's sidecar files.

    Attributes:
        transcript: The transcript, or None.
        speaker: The subject's name in it; None where it is not known.
        audio: A sound file in place of the recording's own sound, or None.
        warnings: What was left out or assumed in reading.
    """

    transcript: Transcript | None
    speaker: str | None
    audio: Path | None
    warnings: tuple[Message, ...]


def load_sidecar(sidecar: Sidecar) -> LoadedSidecar:
    """Read the transcript of a sidecar and find the subject among its speakers.

    Args:
        sidecar: Paths of the files, and the subject's name as a speaker.

    Raises:
        FerPhqError: The transcript cannot be used or does not have the speaker.
    """
    if sidecar.transcript is None:
        return LoadedSidecar(None, None, sidecar.audio, ())
    transcript = read_transcript(sidecar.transcript, sidecar.transcript_name)
    speaker, warning = subject_speaker(transcript, sidecar.speaker)
    warnings = transcript.warnings if warning is None else (*transcript.warnings, warning)
    return LoadedSidecar(transcript, speaker, sidecar.audio, warnings)


@dataclass(frozen=True, eq=False)
class SoundFeatures:
    """What is heard in a recording, whoever speaks.

    Attributes:
        voice: Everybody's prosody; None where there is no sound.
        diarization: Who speaks when; None where it cannot be told, or was not asked for.
        warnings: What limits it.
    """

    voice: FeatureSeries | None
    diarization: Diarization | None
    warnings: tuple[Message, ...]


def extract_speech(
    recording: RecordingInfo,
    sidecar: LoadedSidecar,
    on_progress: ProgressHook | None = None,
    display_name: str | None = None,
    sound: SoundChoice = AUTOMATIC,
    *,
    with_turns: bool = False,
    with_recognition: bool = False,
    behaviour: FeatureSeries | None = None,
    subject_turns: Sequence[tuple[float, float]] = (),
) -> SpeechFeatures:
    """Extract voice and words of the subject, and everybody's turns: `hear_sound` and `describe_speech` at once.

    Args:
        recording: The recording, from `probe`.
        sidecar: Its sidecar files, from `load_sidecar`.
        on_progress: Called as sound (in seconds) and words (in utterances) are done; it may raise `AnalysisCancelled`.
        display_name: What warnings call the recording; its path when omitted.
        sound: The track and the channel that are heard, where they are set by hand.
        with_turns: Whether it is told who speaks when, where anybody does.
        with_recognition: Whether words are recognised where there is no transcript and anybody speaks.
        behaviour: The subject's facial behaviour: its mouth says which speaker is the subject where no transcript and
            no person does.
        subject_turns: `Settings.subject_turns`.

    Raises:
        RecordingError: A sound file of the sidecar cannot be used. Sound of the recording itself that cannot be used is
            a warning.
    """
    source = (recording, sidecar, on_progress or ignore_progress, display_name, sound)
    everyone = hear_sound(*source, with_turns=with_turns)
    return describe_speech(everyone, behaviour, *source, with_recognition=with_recognition, subject_turns=subject_turns)


def hear_sound(
    recording: RecordingInfo,
    sidecar: LoadedSidecar,
    on_progress: ProgressHook,
    display_name: str | None = None,
    sound: SoundChoice = AUTOMATIC,
    *,
    with_turns: bool = False,
) -> SoundFeatures:
    """Hear everybody's voice, and who speaks when.

    Args:
        recording: As in `extract_speech`, and so are the other arguments.
        sidecar: Its sidecar files.
        on_progress: Called as sound is heard.
        display_name: What warnings call the recording.
        sound: The track and the channel.
        with_turns: Whether it is told who speaks when.

    Raises:
        RecordingError: A sound file of the sidecar cannot be used.
    """
    warnings: list[Message] = []
    voice = _extract_sound(recording, sidecar.audio, on_progress, warnings, display_name, sound)
    diarization = None
    if with_turns and voice is not None:
        release_step(recording.duration_s)
        diarization = _diarize(recording, sidecar, voice, on_progress, warnings, display_name, sound)
    return SoundFeatures(voice, diarization, tuple(warnings))


def describe_speech(
    everyone: SoundFeatures,
    behaviour: FeatureSeries | None,
    recording: RecordingInfo,
    sidecar: LoadedSidecar,
    on_progress: ProgressHook,
    display_name: str | None = None,
    sound: SoundChoice = AUTOMATIC,
    *,
    with_recognition: bool = False,
    subject_turns: Sequence[tuple[float, float]] = (),
) -> SpeechFeatures:
    """Choose the subject among the speakers, and describe the subject's voice and words.

    Args:
        everyone: From `hear_sound`.
        behaviour: The subject's facial behaviour; None without.
        recording: As in `extract_speech`, and so are the other arguments.
        sidecar: Its sidecar files.
        on_progress: Called as words are done.
        display_name: What warnings call the recording.
        sound: The track and the channel.
        with_recognition: Whether words are recognised.
        subject_turns: `Settings.subject_turns`.
    """
    warnings = list(sidecar.warnings)
    beyond = _beyond_warning(recording, sidecar.transcript)
    if beyond is not None:
        warnings.append(beyond)
    warnings += everyone.warnings
    turns = SpeakerTurns(None, None, ())
    if everyone.diarization is not None:
        turns = choose_speaker(everyone.diarization, sidecar.transcript, sidecar.speaker, behaviour, subject_turns)
    warnings += [warning for warning in turns.warnings if warning not in warnings]  # the voice may have told it
    voice = everyone.voice
    if subject_turns and sidecar.speaker is None and turns.choice is not SpeakerChoice.HAND:
        warnings.append(messages.CHOICE_LOST())
        voice = None  # everybody's would have the voice of those in it whom the person did not choose
    else:
        voice = _subjects_voice(voice, sidecar, turns.series, warnings)
    words = _extract_words(sidecar, on_progress, warnings)
    transcription = None
    if with_recognition and sidecar.transcript is None and _has_speech(everyone.voice):
        recognised = _recognise(recording, sidecar.audio, turns.series, on_progress, display_name, sound)
        words, transcription = recognised.words, recognised.transcription
        warnings += [warning for warning in recognised.warnings if warning not in warnings]
    return SpeechFeatures(voice, words, tuple(warnings), turns.series, turns.choice, transcription)


def check_sound(recording: RecordingInfo, audio: Path | None, choice: SoundChoice) -> None:
    """Check that the sound that will be heard has the track and the channel that were chosen.

    Args:
        recording: The recording, from `probe`.
        audio: A sound file in place of the recording's own sound, or None.
        choice: The choice.

    Raises:
        SettingsError: It has none such.
        RecordingError: The sound file cannot be used.
    """
    if choice == AUTOMATIC:
        return
    tracks = recording.sound_tracks if audio is None else list_sound_tracks(audio)
    problem = choice.problem(tracks)
    if problem is not None:
        raise SettingsError(problem)


def is_other_length(duration_s: float, sound_s: float) -> bool:
    """Tell whether a separate sound is so much longer or shorter that it may not be the recording's.

    Args:
        duration_s: Duration of the recording, in seconds; 0 where it is not known.
        sound_s: Length of the sound, in seconds.
    """
    return duration_s > 0 and abs(sound_s - duration_s) > max(OTHER_LENGTH_S, OTHER_LENGTH * duration_s)


def ignore_progress(progress: Progress) -> None:
    """Do nothing: the progress hook of callers who passed none."""


def _beyond_warning(recording: RecordingInfo, transcript: Transcript | None) -> Message | None:
    """Return a warning where utterances begin after the recording's end; its duration is 0 where there is none."""
    if transcript is None or recording.duration_s <= 0:
        return None
    latest_s = recording.duration_s + TOLERANCE_S
    beyond = sum(utterance.start_s > latest_s for utterance in transcript.utterances)
    if not beyond:
        return None
    return messages.TRANSCRIPT_BEYOND(count=beyond, total=len(transcript), duration=round(recording.duration_s, 1))


def _diarize(
    recording: RecordingInfo,
    sidecar: LoadedSidecar,
    voice: FeatureSeries,
    on_progress: ProgressHook,
    warnings: list[Message],
    display_name: str | None,
    sound: SoundChoice,
) -> Diarization | None:
    """Tell who speaks when. Sound in which the voice has no speech is not heard again."""
    if voice.time_s is None or not _has_speech(voice):
        return Diarization((), recording.duration_s, is_by_part=False, warnings=())
    from fer_phq.speakers import diarize  # scipy and two networks, which sound without speech does not wait for

    source = recording.path if sidecar.audio is None else sidecar.audio
    name = display_name if sidecar.audio is None else None
    end_s = float(voice.time_s[-1])

    def report(done_s: float, total_s: float | None) -> None:
        on_progress(Progress(Step.SOUND, end_s, end_s))  # the step counts seconds whose voice is known: these are all

    try:
        return diarize(source, choice=sound, display_name=name, on_progress=report)
    except RecordingError as error:
        warnings.append(messages.TURNS_LEFT_OUT(reason=error.message))
        return None


def _recognise(
    recording: RecordingInfo,
    audio: Path | None,
    turns: FeatureSeries | None,
    on_progress: ProgressHook,
    display_name: str | None,
    sound: SoundChoice,
) -> RecognisedWords:
    """Recognise words of the sound of which the voice is measured."""

    def report(done_s: float, total_s: float | None) -> None:
        on_progress(Progress(Step.WORDS, done_s, None if total_s is None else max(done_s, total_s)))

    source = recording.path if audio is None else audio
    name = display_name if audio is None else None
    return recognise_words(source, sound, turns, display_name=name, on_sound=report)


def _has_speech(voice: FeatureSeries | None) -> bool:
    return voice is not None and voice.time_s is not None and count_measured(voice) > 0


def _subjects_voice(
    voice: FeatureSeries | None, sidecar: LoadedSidecar, turns: FeatureSeries | None, warnings: list[Message]
) -> FeatureSeries | None:
    """Return the subject's prosody of everyone's: by the transcript, else by turns; else it stays everyone's."""
    if voice is None or not count_measured(voice):
        return voice
    spans: list[tuple[float, float]] | None
    if sidecar.transcript is not None and sidecar.speaker is not None:
        labelled = intervals(sidecar.transcript, sidecar.speaker)
        spans = [(float(start_s), float(end_s)) for start_s, end_s in labelled]
    else:
        spans = None if turns is None else subject_intervals(turns)
    if spans is None:
        if turns is None or not len(turns):
            warnings.append(messages.VOICE_OF_EVERYONE())
        return voice
    from fer_phq.voice import only_during

    return only_during(voice, spans)


def _extract_sound(
    recording: RecordingInfo,
    audio: Path | None,
    on_progress: ProgressHook,
    warnings: list[Message],
    display_name: str | None,
    sound: SoundChoice,
) -> FeatureSeries | None:
    """Extract the prosody of all sound; None where there is none that can be used."""
    if audio is None and not recording.has_audio:
        return None
    from fer_phq.voice import voice_features  # imported here: a recording without sound does not wait for it

    sound_s = 0.0

    def report(done_s: float, total_s: float | None) -> None:
        nonlocal sound_s
        sound_s = done_s
        duration_s = recording.duration_s if total_s is None and audio is None else total_s
        total = None if duration_s is None else max(done_s, duration_s)
        on_progress(Progress(Step.SOUND, done_s, total))

    report(0.0, None)
    if audio is not None:
        voice = voice_features(audio, sound=sound, on_progress=report, on_warning=warnings.append)
        if is_other_length(recording.duration_s, sound_s):
            lengths = {"sound": sound_s, "duration": recording.duration_s}
            warnings.append(messages.SOUND_OF_OTHER_LENGTH(**lengths))
        return voice
    try:
        return voice_features(
            recording.path, display_name=display_name, sound=sound, on_progress=report, on_warning=warnings.append
        )
    except RecordingError as error:
        warnings.append(messages.VOICE_LEFT_OUT(reason=error.message))
        return None


def _extract_words(sidecar: LoadedSidecar, on_progress: ProgressHook, warnings: list[Message]) -> FeatureSeries | None:
    """Extract features of the subject's utterances, with embeddings where the extra that makes them is installed."""
    transcript = sidecar.transcript
    if transcript is None:
        return None
    on_progress(Progress(Step.WORDS, 0, len(transcript)))
    warning = language_warning(transcript, sidecar.speaker)
    if warning is not None:
        warnings.append(warning)
    words = word_features(transcript, sidecar.speaker, load_minilm() if has_minilm() else None)
    on_progress(Progress(Step.WORDS, len(transcript), len(transcript)))
    return words
