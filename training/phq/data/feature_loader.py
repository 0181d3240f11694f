"""Features of labelled sessions: read from files, or computed from recordings by a model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from fer_phq.behaviour.seconds.series import KIND as SECONDS
from fer_phq.behaviour.seconds.series import to_seconds
from fer_phq.core.analysis import RecordingInfo, Settings, usable_features
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.messages import Message
from fer_phq.core.paths import shorten_stem
from fer_phq.core.phq import Modality
from fer_phq.core.sidecar import Sidecar
from fer_phq.features.files import read_features, read_interviewer, write_features
from fer_phq.models.checkpoint import Bundle
from fer_phq.models.model import FerPhqModel, load_model
from fer_phq.pipeline.session import analyze
from fer_phq.pipeline.speech import extract_speech, load_sidecar
from fer_phq.speakers.files.series import BY_VOICES
from fer_phq.transcription import has_speech
from fer_phq.video import probe
from fer_phq.voice import only_during
from fer_phq.voice.kinds import KIND as PROSODY
from fer_phq.words import has_minilm, intervals, load_minilm
from fer_phq.words.features import interviewer_words
from fer_phq.words.kinds import MINILM, PLAIN, without_embeddings
from training.phq import messages
from training.phq.data.dataset import LabelledDataset
from training.phq.data.sessions import LabelledSession, SourceKind

Notify = Callable[[Message], None]
"""Receives what happens, a message at a time."""

TURN_EDGE_S = 0.04
"""Seconds at each end of a turn that are not used of a corpus' voice: its rows are means over a tenth of a second, of
which a part may be another's voice."""
_SILENT = RecordingInfo("", "", 0.0, 0, 0, "", 0, has_audio=False)
"""Stands for the recording that a session with features of its own does not need."""


class FeatureLoader:
    """Loads the features of one session at a time."""

    def __init__(self, bundle: Bundle, keep: Path | None = None) -> None:
        """Make the folder for features of recordings.

        Args:
            bundle: The model that analyses recordings.
            keep: Folder for features of recordings, so that a recording is analysed once; None keeps none.

        Raises:
            FerPhqError: The folder cannot be made.
        """
        self._bundle = bundle
        self._keep = keep
        try:
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FerPhqError(messages.FOLDER_NOT_MADE(keep=str(keep), strerror=str(error.strerror))) from None

    @cached_property
    def _model(self) -> FerPhqModel:
        return load_model(self._bundle.path)

    def load(self, session: LabelledSession) -> SessionFeatures:
        """Load one session's features.

        Args:
            session: A features file, a recording or a corpus' session, with its sidecar files.

        Raises:
            FerPhqError: One of its files cannot be used.
        """
        return to_seconds(self._load(session))

    def load_interviewer(self, session: LabelledSession) -> FeatureSeries | None:
        """Load the utterances of those who are not a session's subject, from its features file or its transcript.

        Args:
            session: A labelled session that `load` can load.

        Returns:
            The series; None where nothing says what anybody else says.

        Raises:
            FerPhqError: One of its files cannot be used.
        """
        series = read_interviewer(session.path) if session.kind is SourceKind.FEATURES else None
        if series is not None or session.transcript is None:
            return series
        loaded = load_sidecar(Sidecar(session.transcript, session.speaker))
        if loaded.transcript is None or loaded.speaker is None:
            return None
        return interviewer_words(loaded.transcript, loaded.speaker, load_minilm() if has_minilm() else None)

    def _load(self, session: LabelledSession) -> SessionFeatures:
        sidecar = Sidecar(session.transcript, session.speaker, session.audio)
        if session.kind is SourceKind.RECORDING:
            return self._analyse(session.path, sidecar)
        if session.kind is SourceKind.CORPUS:
            return _keep_turns(session.load(), sidecar)
        return _add_speech(session.load(), sidecar)

    def _analyse(self, path: Path, sidecar: Sidecar) -> SessionFeatures:
        """Return the features of a recording, from the folder of kept ones where they are there."""
        features_file = self._features_file(probe(path), sidecar)
        if features_file is not None and features_file.is_file():
            return read_features(features_file)
        settings = Settings()
        features = to_seconds(usable_features(analyze(path, self._model, settings, sidecar=sidecar), settings))
        if features_file is not None:
            write_features(features, features_file)
        return features

    def _features_file(self, info: RecordingInfo, sidecar: Sidecar) -> Path | None:
        """Return where a recording's features are kept.

        The name tells apart other content, sidecars, backbones, prosody, rates at which the face is followed, whether
        it is told who speaks, because that says whose the voice is, and whether words are recognised.
        """
        if self._keep is None:
            return None
        settings = Settings()
        word_kind = "" if sidecar.transcript is None and not settings.recognition else str(has_minilm())
        turns = f" {BY_VOICES}" if settings.speech else ""
        turns += " recognised" if settings.recognition and has_speech() else ""
        made = f"{self._bundle.face_kind} {PROSODY} {SECONDS} {settings.face_rate:g}{turns}"
        facts = f"{info.sha256} {sidecar.digest()} {made} {word_kind}"
        return (
            self._keep / f"{shorten_stem(Path(info.path).stem)}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}.npz"
        )


def load_features(
    sessions: Sequence[LabelledSession],
    loader: FeatureLoader,
    skip_bad: bool = False,
    notify: Notify = lambda _: None,
    with_interviewers: bool = False,
) -> LabelledDataset:
    """Load every session's features.

    Args:
        sessions: Labelled sessions, all on one scale.
        loader: Loads one session.
        skip_bad: Whether to leave out sessions that cannot be used.
        notify: Receives which recording is analysed, and what is left out.
        with_interviewers: Whether to load what those say who are not the subject.

    Raises:
        FerPhqError: Some sessions cannot be used, which are listed; or none is left.
    """
    usable = []
    features = []
    interviewers = []
    problems = []
    for number, session in enumerate(sessions, 1):
        if session.kind is SourceKind.RECORDING:
            notify(messages.ANALYSING(number=number, sessions=len(sessions), name=session.path.name))
        try:
            loaded = loader.load(session)
            interviewer = loader.load_interviewer(session) if with_interviewers else None
        except FerPhqError as error:
            problems.append(messages.SESSION_PROBLEM(session=session.name, problem=error.message))
            continue
        features.append(loaded)
        interviewers.append(interviewer)
        usable.append(session)
    if problems and not skip_bad:
        raise FerPhqError(
            messages.SESSIONS_UNUSABLE(bad=len(problems), sessions=len(sessions), problems=messages.lines(problems))
        )
    for problem in problems:
        notify(messages.SESSION_LEFT_OUT(problem=problem))
    if not usable:
        raise FerPhqError(messages.NO_SESSION_LEFT())
    notes = describe_corpus(usable, features)
    for note in notes:
        notify(note)
    speech = tuple(interviewers) if with_interviewers else ()
    return LabelledDataset(tuple(usable), tuple(unify_word_kinds(features)), notes, _unify_kinds(speech))


def unify_word_kinds(every: Sequence[SessionFeatures]) -> list[SessionFeatures]:
    """Drop the embeddings of words where some sessions have none.

    The optional package that computes embeddings may have been added or removed between the analyses.

    Args:
        every: Features of every session.
    """
    kinds = {features.words.kind for features in every if features.words is not None}
    if not kinds >= {PLAIN, MINILM}:
        return list(every)
    return [
        replace(features, words=without_embeddings(features.words))
        if features.words and features.words.kind == MINILM
        else features
        for features in every
    ]


def _unify_kinds(interviewers: tuple[FeatureSeries | None, ...]) -> tuple[FeatureSeries | None, ...]:
    """Drop the embeddings of interviewers' words where some sessions have none."""
    if {series.kind for series in interviewers if series is not None} != {PLAIN, MINILM}:
        return interviewers
    return tuple(
        without_embeddings(series) if series is not None and series.kind == MINILM else series
        for series in interviewers
    )


def describe_corpus(sessions: Sequence[LabelledSession], features: Sequence[SessionFeatures]) -> tuple[Message, ...]:
    """Say what of a corpus' sessions is not used, since nothing says who speaks when.

    Args:
        sessions: Labelled sessions.
        features: Their features, as `FeatureLoader.load` gave them.
    """
    pairs = list(zip(sessions, features, strict=True))
    unused = [s for s, f in pairs if s.kind is SourceKind.CORPUS and f.words is None]
    without_turns = sum(session.transcript is not None for session in unused)
    without_transcript = sum(session.transcript is None for session in unused)
    notes: list[Message] = []
    if without_turns:
        notes.append(messages.WITHOUT_TURNS(n=without_turns))
    if without_transcript:
        notes.append(messages.WITHOUT_TRANSCRIPT(n=without_transcript))
    return tuple(notes)


def _keep_turns(features: SessionFeatures, sidecar: Sidecar) -> SessionFeatures:
    """Keep the subject's turns of a corpus' voice, and add the words of these turns.

    A corpus' features of the voice are of the whole recording, the interviewer and silence included. Its words are not
    used where no turns say whose they are: the interviewer's questions alone predict the label (Burdisso et al., 2024,
    arXiv:2404.14463). Its sound is not analysed, for it has its own features of the voice.
    """
    if sidecar.transcript is None:
        return replace(features, voice=features.voice if sidecar.speaker is None else None)
    loaded = load_sidecar(replace(sidecar, audio=None))
    if loaded.transcript is None or loaded.speaker is None:
        return features
    voice = features.voice
    if voice is not None:
        turns = intervals(loaded.transcript, loaded.speaker)
        inner = turns[turns[:, 1] - turns[:, 0] > 2 * TURN_EDGE_S] + (TURN_EDGE_S, -TURN_EDGE_S)
        voice = only_during(voice, [(float(start_s), float(end_s)) for start_s, end_s in inner])
    return replace(features, voice=voice, words=extract_speech(_SILENT, loaded).words)


def _add_speech(features: SessionFeatures, sidecar: Sidecar) -> SessionFeatures:
    """Add voice and words of sidecar files, where the features file has none; a voice that it has is not computed."""
    if features.voice is not None:
        sidecar = replace(sidecar, audio=None)
    if sidecar == Sidecar():
        return features
    speech = extract_speech(_SILENT, load_sidecar(sidecar))
    return replace(
        features,
        voice=features.series(Modality.VOICE) or speech.voice,
        words=features.series(Modality.WORDS) or speech.words,
    )
