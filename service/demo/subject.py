"""The demonstration subject in the store: each step is done once, so a killed run is completed by the next."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from db.migrate import upgrade
from db.records import NewTranscript, QuestionnaireSource, SessionRecord, SubjectRecord
from db.store import Store
from fer_phq.core.analysis import SessionAnalysis, Settings
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError, SettingsError, StoreError
from fer_phq.core.phq import Scale
from fer_phq.core.sidecar import Sidecar
from fer_phq.features.measures import versioned_measures
from service.demo import messages
from service.demo.content import CLIPS, CONSENT_BY, CONSENT_TEXT, LABEL, QUESTIONNAIRES, SPEAKER, DemoClip
from service.ingest.media import MediaStore
from service.ingest.recordings import add_recording
from service.lifecycle.erasure import erase_subject
from service.models.active_model import active_bundle
from service.runtime_settings import current_settings
from service.settings import AppSettings

if TYPE_CHECKING:
    from fer_phq.models.model import FerPhqModel

ReportProgress = Callable[[str], None]
"""Takes one line of progress."""


@dataclass(frozen=True)
class DemoReport:
    """The outcome of a run of `create_demo`.

    Attributes:
        analysed: Number of sessions that this run analysed.
        existing: Number of sessions that were analysed before it.
        questionnaires: Number of questionnaires that it saved.
    """

    analysed: int
    existing: int
    questionnaires: int

    @property
    def sentence(self) -> str:
        """The outcome as a sentence."""
        if not self.analysed and not self.questionnaires:
            return (
                f"The subject '{LABEL}' is there already, with {self.existing} analysed sessions; "
                "`fer-phq demo --reset` makes it anew and `fer-phq demo --remove` erases it."
            )
        existing = f" ({self.existing} were there already)" if self.existing else ""
        return (
            f"The subject '{LABEL}' is ready: {self.analysed} sessions analysed{existing}. "
            "See it with `fer-phq up`; `fer-phq demo --remove` erases it."
        )


@dataclass(frozen=True)
class DemoErasure:
    """The outcome of a run of `remove_demo`.

    Attributes:
        subjects: Number of demonstration subjects that were erased.
        sessions: Number of their sessions.
    """

    subjects: int
    sessions: int

    @property
    def sentence(self) -> str:
        """The outcome as a sentence."""
        if not self.subjects:
            return "There is no demonstration to erase."
        return f"The demonstration was erased, with its {self.sessions} sessions and recordings."


def create_demo(
    settings: AppSettings, report_progress: ReportProgress, clips: Sequence[DemoClip] = CLIPS
) -> DemoReport:
    """Make the demonstration subject, or what is missing of it. The database is migrated first.

    Args:
        settings: The installation.
        report_progress: Called with a line of progress at a time.
        clips: The recordings, one a session.

    Raises:
        FerPhqError: There is no model, no room on the disk, a locked database, a subject of that name that is not the
            demonstration, or another run at work.
    """
    with _exclusive(settings), _open_store(settings) as store:
        analyst = _Analyst(settings)
        subject = _get_or_create_subject(store)
        missing = [clip for clip in clips if not _is_analysed(store, subject, clip, analyst)]
        if missing:
            report_progress(f"Making the demonstration: {len(missing)} recordings are analysed, about a minute.")
        for clip in missing:
            session = _get_or_add_session(settings, store, subject, clip)
            analysis = analyst.analyse(_recording_path(settings, session), _sidecar(clip))
            store.analyses.save(
                session_id=session.id,
                analysis=analysis,
                settings=analyst.settings,
                measures=versioned_measures(analysis, analyst.settings),
            )
            report_progress(_progress_line(clip, len(clips), session, analysis))
        return DemoReport(len(missing), len(clips) - len(missing), _save_questionnaires(store, subject))


def queue_demo(settings: AppSettings, store: Store, clips: Sequence[DemoClip] = CLIPS) -> int:
    """Make the demonstration subject with its questionnaires, and leave the recordings to a worker.

    Args:
        settings: The installation.
        store: Where the subject goes, with the actor's name.
        clips: The recordings, one a session. Those that are sessions already stay as they are.

    Returns:
        The number of recordings that were queued.

    Raises:
        FerPhqError: There is no room on the disk, a locked database, a subject of that name that is not the
            demonstration, an actor who may only read, or another run at work.
    """
    with _exclusive(settings):
        subject = _get_or_create_subject(store)
        missing = [clip for clip in clips if _find_session(store, subject, clip) is None]
        for clip in missing:
            _get_or_add_session(settings, store, subject, clip, enqueue=True)
        _save_questionnaires(store, subject)
        return len(missing)


def remove_demo(settings: AppSettings) -> DemoErasure:
    """Erase every subject that is marked as a demonstration, with sessions, questionnaires and recordings.

    Args:
        settings: The installation.

    Raises:
        FerPhqError: The database is locked, or another run is at work.
    """
    with _exclusive(settings), _open_store(settings) as store:
        subjects = [subject for subject in store.subjects.list_all() if subject.is_demo]
        erasures = [erase_subject(settings, store, subject.id) for subject in subjects]
        return DemoErasure(len(subjects), sum(erasure.sessions for erasure in erasures))


class _Analyst:
    """The installed model with the installation's settings; loaded when the first recording needs it."""

    def __init__(self, settings: AppSettings) -> None:
        self.settings: Settings = current_settings(settings).analysis_settings()
        self._bundle = active_bundle(settings)

    @property
    def model_id(self) -> str:
        return self._bundle.model_id

    @cached_property
    def _model(self) -> FerPhqModel:
        from fer_phq.models.model import load_model

        return load_model(self._bundle.path)

    def analyse(self, path: Path, sidecar: Sidecar) -> SessionAnalysis:
        from fer_phq.pipeline.session import analyze

        return analyze(path, self._model, self.settings, sidecar=sidecar)


@contextmanager
def _open_store(settings: AppSettings) -> Iterator[Store]:
    settings.prepare()
    upgrade(settings.database_url)
    with Store(settings.database_url, actor="cli") as store:
        yield store


def _get_or_create_subject(store: Store) -> SubjectRecord:
    """Return the demonstration subject, under whatever name it has by now, or a new one."""
    for subject in store.subjects.list_all():
        if subject.is_demo:
            return store.subjects.get(subject_id=subject.id)
    if store.subjects.find(label=LABEL):
        raise StoreError(messages.LABEL_IN_USE(label=LABEL))
    return store.subjects.create(label=LABEL, is_demo=True)


def _find_session(store: Store, subject: SubjectRecord, clip: DemoClip) -> SessionRecord | None:
    sessions = [summary.session for summary in store.sessions.list_recent(subject_id=subject.id, limit=1000)]
    return next((session for session in sessions if session.original_name == clip.path.name), None)


def _is_analysed(store: Store, subject: SubjectRecord, clip: DemoClip, analyst: _Analyst) -> bool:
    session = _find_session(store, subject, clip)
    if session is None:
        return False
    analysis = store.analyses.find(
        session_id=session.id,
        model_id=analyst.model_id,
        settings=analyst.settings,
        sidecar_digest=_sidecar(clip).digest(),
    )
    return analysis is not None


def _get_or_add_session(
    settings: AppSettings, store: Store, subject: SubjectRecord, clip: DemoClip, *, enqueue: bool = False
) -> SessionRecord:
    """Return the clip's session; a new one, with a copy of the clip, where it or its recording is missing."""
    session = _find_session(store, subject, clip)
    if session is not None and session.media_path is not None and _recording_path(settings, session).is_file():
        return session
    result = add_recording(
        settings,
        store,
        clip.path,
        subject_id=subject.id,
        recorded_at=_weeks_before(subject.created_at, clip.weeks_ago),
        consent_by=CONSENT_BY,
        consent_text=CONSENT_TEXT,
        enqueue=enqueue,
        transcript=NewTranscript(clip.transcript.name, clip.transcript.read_bytes(), SPEAKER),
    )
    return store.sessions.get(session_id=result.session_id)


def _sidecar(clip: DemoClip) -> Sidecar:
    return Sidecar(clip.transcript, SPEAKER, transcript_name=clip.transcript.name)


def _recording_path(settings: AppSettings, session: SessionRecord) -> Path:
    if session.media_path is None:
        raise StoreError(messages.RECORDING_REMOVED(session_id=session.id))
    return MediaStore(settings).path_of(session.media_path)


def _save_questionnaires(store: Store, subject: SubjectRecord) -> int:
    """Save the questionnaires that are missing and return their number."""
    existing = store.questionnaires.list_by_subject(subject_id=subject.id, include_superseded=True)
    answer_times = {questionnaire.answered_at for questionnaire in existing}
    saved = 0
    for questionnaire in QUESTIONNAIRES:
        answered_at = _weeks_before(subject.created_at, questionnaire.weeks_ago)
        if answered_at not in answer_times:
            store.questionnaires.save(
                subject_id=subject.id,
                scale=Scale.PHQ9,
                items=questionnaire.items,
                difficulty=questionnaire.difficulty,
                answered_at=answered_at,
                source=QuestionnaireSource.DEMO,
            )
            saved += 1
    return saved


def _weeks_before(time: datetime, weeks: float) -> datetime:
    """Subtract weeks. The result is a whole second, so that every database gives it back as it was."""
    return (time - timedelta(weeks=weeks)).replace(microsecond=0)


def _progress_line(clip: DemoClip, total: int, session: SessionRecord, analysis: SessionAnalysis) -> str:
    day = f"{session.recorded_at:%Y-%m-%d}"
    coverage = f"{analysis.coverage:.0%}"
    line = f"Session {clip.number} of {total}, {day}: face in {coverage} of frames"
    distribution = analysis.emotion_distribution
    if distribution is None:
        return line
    ranked = sorted(zip(EMOTIONS, distribution, strict=True), key=lambda pair: -pair[1])[:3]
    return f"{line}, " + ", ".join(f"{name} {share:.0%}" for name, share in ranked)


@contextmanager
def _exclusive(settings: AppSettings) -> Iterator[None]:
    """Hold the installation's lock: two runs at once would analyse everything twice."""
    settings.prepare()
    try:
        descriptor = os.open(settings.data_dir / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(messages.DATA_DIR_NOT_WRITABLE(data_dir=str(settings.data_dir), error=reason)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise FerPhqError(messages.ALREADY_RUNNING()) from None
    try:
        yield
    finally:
        os.close(descriptor)
