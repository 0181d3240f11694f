"""The demonstration subject in the store: each step is done once, so a killed run is completed by the next."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from db.migrate import upgrade
from db.records import QuestionnaireSource, SessionRecord, SubjectRecord
from db.store import Store
from fer_phq.core.analysis import SessionAnalysis, Settings
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError, SettingsError, StoreError
from fer_phq.core.phq import Scale
from fer_phq.features.measures import measured
from service.demo.script import SCRIPTS, Script
from service.erasure import erase_subject
from service.ingest.media import MediaStore
from service.ingest.recordings import add_recording
from service.models.active_model import active_bundle
from service.runtime_settings import current
from service.settings import AppSettings

LABEL = "Demonstration"
CONSENT_BY = "demonstration"
CONSENT_TEXT = "demonstration: rendered from a public-domain portrait, nobody was recorded"

QUESTIONNAIRES: tuple[tuple[float, tuple[int, ...], int], ...] = (
    (12.0, (2, 3, 2, 3, 1, 2, 2, 1, 0), 2),
    (9.0, (2, 2, 2, 2, 1, 2, 1, 1, 0), 2),
    (6.0, (1, 2, 2, 2, 1, 1, 1, 0, 0), 1),
    (3.0, (1, 1, 1, 2, 0, 1, 1, 0, 0), 1),
    (0.4, (0, 1, 1, 1, 0, 0, 1, 0, 0), 0),
)
"""Made-up PHQ-9 answers: how many weeks ago they were given, the items, the difficulty; item 9 is 0 throughout."""

Say = Callable[[str], None]
Scripts = tuple[Script, ...]


@dataclass(frozen=True)
class Made:
    """What a run did: sessions analysed now, those that were there already, questionnaires saved now."""

    analysed: int
    there: int
    questionnaires: int

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        if not self.analysed and not self.questionnaires:
            return (
                f"The subject '{LABEL}' is there already, with {self.there} analysed sessions; "
                "`fer-phq demo --reset` makes it anew and `fer-phq demo --remove` erases it."
            )
        kept = f" ({self.there} were there already)" if self.there else ""
        return (
            f"The subject '{LABEL}' is ready: {self.analysed} sessions analysed{kept}. "
            "See it with `fer-phq up`; `fer-phq demo --remove` erases it."
        )


@dataclass(frozen=True)
class Removed:
    """How many demonstration subjects and sessions were erased."""

    subjects: int
    sessions: int

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        if not self.subjects:
            return "There is no demonstration to erase."
        return f"The demonstration was erased, with its {self.sessions} sessions and recordings."


def create_demo(settings: AppSettings, say: Say, scripts: Scripts = SCRIPTS) -> Made:
    """Make the demonstration subject, or what is missing of it; `say` is given a line of progress at a time.

    Migrates the database first. Raises a FerPhqError in one sentence: no model, no room, a locked database, a subject
    of that name that is no demonstration, or another run at work.
    """
    with _alone(settings), _open_store(settings) as store:
        analyst = _Analyst(settings)
        subject = _subject(store)
        missing = [script for script in scripts if not _is_analysed(store, subject, script, analyst)]
        if missing:
            say(f"Making the demonstration: {len(missing)} recordings are rendered and analysed, about a minute.")
        with _films(
            settings, [script for script in missing if not _has_film(settings, store, subject, script)]
        ) as films:
            for script in missing:
                session = _session(settings, store, subject, script, films.get(script.name))
                analysis = analyst.analyse(_recording(settings, session))
                found = measured(analysis, analyst.settings)
                store.save_analysis(session_id=session.id, analysis=analysis, settings=analyst.settings, measures=found)
                say(_progress(script, len(scripts), session, analysis))
        return Made(len(missing), len(scripts) - len(missing), _questionnaires(store, subject))


def remove_demo(settings: AppSettings) -> Removed:
    """Erase every subject that is marked as a demonstration, with sessions, questionnaires and recordings."""
    with _alone(settings), _open_store(settings) as store:
        subjects = [subject for subject in store.list_subjects() if subject.is_demo]
        erased = [erase_subject(settings, store, subject.id) for subject in subjects]
        return Removed(len(subjects), sum(one.sessions for one in erased))


class _Analyst:
    """The installed model with the installation's settings; loaded when the first recording needs it."""

    def __init__(self, settings: AppSettings) -> None:
        self.settings: Settings = current(settings).analysis_settings()
        self._bundle = active_bundle(settings)

    @property
    def model_id(self) -> str:
        return self._bundle.model_id

    @cached_property
    def _model(self) -> object:
        from fer_phq.models.model import load_model

        return load_model(self._bundle.path)

    def analyse(self, path: Path) -> SessionAnalysis:
        from fer_phq.models.model import FerPhqModel
        from fer_phq.pipeline.session import analyze

        assert isinstance(self._model, FerPhqModel)
        return analyze(path, self._model, self.settings)


@contextmanager
def _open_store(settings: AppSettings) -> Iterator[Store]:
    settings.prepare()
    upgrade(settings.database_url)
    with Store(settings.database_url, actor="cli") as store:
        yield store


def _subject(store: Store) -> SubjectRecord:
    """The demonstration subject, under whatever name it has by now, or a new one."""
    for known in store.list_subjects():
        if known.is_demo:
            return store.get_subject(subject_id=known.id)
    if store.find_subject(label=LABEL):
        raise StoreError(f"There is a subject '{LABEL}' that is not the demonstration: rename it, then run this again.")
    return store.create_subject(label=LABEL, is_demo=True)


def _find(store: Store, subject: SubjectRecord, script: Script) -> SessionRecord | None:
    sessions = [summary.session for summary in store.recent_sessions(subject_id=subject.id, limit=1000)]
    return next((session for session in sessions if session.original_name == script.name), None)


def _is_analysed(store: Store, subject: SubjectRecord, script: Script, analyst: _Analyst) -> bool:
    session = _find(store, subject, script)
    if session is None:
        return False
    found = store.find_analysis(session_id=session.id, model_id=analyst.model_id, settings=analyst.settings)
    return found is not None


def _has_film(settings: AppSettings, store: Store, subject: SubjectRecord, script: Script) -> bool:
    session = _find(store, subject, script)
    return session is not None and session.media_path is not None and _recording(settings, session).is_file()


@contextmanager
def _films(settings: AppSettings, scripts: Sequence[Script]) -> Iterator[Mapping[str, Future[Path]]]:
    """The scripts' recordings by name, rendered in a thread, one after the other, while the caller analyses.

    The files are gone afterwards (after a crash: with the worker's next sweep).
    """
    from service.demo.film import render
    from service.demo.puppet import Puppet

    puppet = Puppet()
    pool = ThreadPoolExecutor(1)
    paths = {script.name: settings.incoming_dir / f"{script.name}-{os.getpid()}.part" for script in scripts}

    def film(script: Script) -> Path:
        render(script, puppet, paths[script.name])
        return paths[script.name]

    try:
        yield {script.name: pool.submit(film, script) for script in scripts}
    finally:
        pool.shutdown(cancel_futures=True)
        for path in paths.values():
            path.unlink(missing_ok=True)


def _session(
    settings: AppSettings, store: Store, subject: SubjectRecord, script: Script, film: Future[Path] | None
) -> SessionRecord:
    """The script's session with its recording: `film` becomes it, None when it is there."""
    if film is None:
        found = _find(store, subject, script)
        if found is None:
            raise StoreError(f"The session {script.name} was erased meanwhile: run `fer-phq demo` again.")
        return found
    added = add_recording(
        settings,
        store,
        film.result(),
        subject_id=subject.id,
        recorded_at=_weeks_before(subject.created_at, script.weeks_ago),
        consent_by=CONSENT_BY,
        consent_text=CONSENT_TEXT,
        original_name=script.name,
        enqueue=False,
    )
    return store.get_session(session_id=added.session_id)


def _recording(settings: AppSettings, session: SessionRecord) -> Path:
    if session.media_path is None:
        raise StoreError(f"The recording of session {session.id} was removed: run `fer-phq demo --reset`.")
    return MediaStore(settings).path_of(session.media_path)


def _questionnaires(store: Store, subject: SubjectRecord) -> int:
    """Save the questionnaires that are not there; how many that were."""
    there = {q.answered_at for q in store.list_questionnaires(subject_id=subject.id, include_superseded=True)}
    saved = 0
    for weeks_ago, items, difficulty in QUESTIONNAIRES:
        answered_at = _weeks_before(subject.created_at, weeks_ago)
        if answered_at not in there:
            store.save_questionnaire(
                subject_id=subject.id,
                scale=Scale.PHQ9,
                items=items,
                difficulty=difficulty,
                answered_at=answered_at,
                source=QuestionnaireSource.DEMO,
            )
            saved += 1
    return saved


def _weeks_before(moment: datetime, weeks: float) -> datetime:
    """A whole second, so that every database gives it back as it was."""
    return (moment - timedelta(weeks=weeks)).replace(microsecond=0)


def _progress(script: Script, total: int, session: SessionRecord, analysis: SessionAnalysis) -> str:
    day = f"{session.recorded_at:%Y-%m-%d}"
    coverage = f"{analysis.coverage:.0%}"
    line = f"Session {script.number} of {total}, {day}: face in {coverage} of frames"
    mean = analysis.emotion_distribution
    if mean is None:
        return line
    ranked = sorted(zip(EMOTIONS, mean, strict=True), key=lambda pair: -pair[1])[:3]
    return f"{line}, " + ", ".join(f"{name} {share:.0%}" for name, share in ranked)


@contextmanager
def _alone(settings: AppSettings) -> Iterator[None]:
    """One run at a time in an installation: two would render everything twice."""
    settings.prepare()
    try:
        descriptor = os.open(settings.data_dir / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(f"The data folder {settings.data_dir} cannot be written: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise FerPhqError("Another `fer-phq demo` is at work here: wait until it has ended.") from None
    try:
        yield
    finally:
        os.close(descriptor)
