"""One job from claim to outcome: the part of the worker that knows nothing of the job engine.

Running a job twice does no harm: the claim is a fence (whoever claims last holds the job, anyone else stops at the
next look), an analysis that is already in the store is not computed again, and saving one is idempotent.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

from db.engine import StoreAwayError
from db.records import JobRecord, JobState, NotFoundError, SessionRecord
from db.store import Store
from fer_phq.core.analysis import Progress, ProgressHook, SessionAnalysis, Settings, Step
from fer_phq.core.errors import AnalysisCancelled, FerPhqError, RecordingError, StoreError
from fer_phq.core.messages import Message
from fer_phq.core.sidecar import Sidecar
from fer_phq.features.measures import versioned_measures
from service.ingest.media import MediaStore
from service.jobs import messages
from service.jobs.sidecar import sidecar_files
from service.lifecycle.consent import check_consent
from service.logs import job_in_logs
from service.processes.waiting import call_until_answered
from service.runtime_settings import current_settings
from service.settings import AppSettings

log = logging.getLogger(__name__)
PROGRESS_SECONDS = 0.5
"""Shortest time between two progress writes; each also looks for a cancel request and for a lost claim."""
MOST_CLAIMS = 3
"""How often a job may take its worker down before it is given up."""
PATIENCE = (0.5, 1.0, 2.0, 4.0)
"""Waits in seconds between tries when the store fails."""
T = TypeVar("T")


class Analyser(Protocol):
    """What a worker does with a recording; the product's is `service.jobs.worker.PipelineAnalyser`."""

    @property
    def model_id(self) -> str:
        """Id of the model that will be used. Raises ModelError when it cannot be loaded."""

    def analyse(
        self, path: Path, settings: Settings, on_progress: ProgressHook, sidecar: Sidecar, display_name: str
    ) -> SessionAnalysis:
        """Analyse one recording. What `on_progress` raises comes out as it is.

        Args:
            path: The recording.
            settings: How it is analysed.
            on_progress: Called with the progress of each step.
            sidecar: Files given beside the recording.
            display_name: What errors call the recording.

        Raises:
            FerPhqError: The recording, its sidecar files or the model cannot be used.
        """


class WorkerStopping(BaseException):
    """The worker was told to stop. Not an Exception, so that nothing on the way records it as the job's outcome."""


class ClaimLost(Exception):
    """The job was erased or is another worker's now."""


class JobRunner:
    """Runs jobs one after another for one worker."""

    def __init__(self, settings: AppSettings, store: Store, analyser: Analyser, worker: str) -> None:
        """Make a runner.

        Args:
            settings: The installation's settings.
            store: The open store.
            analyser: What analyses recordings.
            worker: The name under which jobs are claimed.
        """
        self._settings = settings
        self._store = store
        self._analyser = analyser
        self._worker = worker
        self._media = MediaStore(settings)
        self._lock = threading.Lock()
        self._held: tuple[str, str] | None = None
        self._runs: list[str] = []
        self.stopping = threading.Event()

    @property
    def busy(self) -> bool:
        """Whether a job is being worked on."""
        return self._held is not None

    @property
    def workflow_ids(self) -> frozenset[str]:
        """The workflows whose jobs are being claimed or worked on."""
        return frozenset(self._runs)

    def run(self, workflow_id: str) -> str:
        """Work on a job and settle it.

        Args:
            workflow_id: The id of the job's present attempt.

        Returns:
            The state in which the job ended, or 'none' when it was not this worker's.

        Raises:
            WorkerStopping: The worker stops, and the job is queued again.
            StoreError: The store cannot be used.
        """
        if self.stopping.is_set():
            raise WorkerStopping
        self._runs.append(workflow_id)  # before the claim, which may wait for a database that is away
        try:
            return self._claim_and_run(workflow_id)
        finally:
            self._runs.remove(workflow_id)

    def _claim_and_run(self, workflow_id: str) -> str:
        claim = uuid.uuid4().hex
        job = self._patiently(lambda: self._store.jobs.claim(workflow_id=workflow_id, worker=self._worker, claim=claim))
        if job is None:
            log.info("job of workflow %s is cancelled, finished or erased", workflow_id)
            return "none"
        self._held = (workflow_id, claim)
        try:
            with job_in_logs(job.id, job.session_id):
                return self._run_claimed(job, workflow_id, claim)
        except WorkerStopping:
            self.give_back()
            raise
        finally:
            with self._lock:
                if self._held == (workflow_id, claim):
                    self._held = None

    def give_back(self) -> None:
        """Queue the job that is being worked on again, without counting the try; no job, no effect."""
        with self._lock:
            claimed = self._held
            self._held = None
        if claimed is None:
            return
        try:
            released = self._store.jobs.release(workflow_id=claimed[0], claim=claimed[1])
            log.info("workflow %s given back: %s", claimed[0], released)
        except StoreAwayError as error:
            # Its row says whose it is: this worker's next start, or another worker, takes it.
            log.warning("workflow %s could not be given back: %s", claimed[0], error)

    def _run_claimed(self, job: JobRecord, workflow_id: str, claim: str) -> str:
        started = time.monotonic()
        log.info("begins, attempt %d, claim %d", job.attempt, job.claims)
        state = JobState.FAILED
        error: Message | None = None
        analysis_id = None
        try:
            analysis_id = self._analyse_patiently(job, workflow_id, claim)
            state = JobState.DONE
        except ClaimLost:
            log.info("is not ours any more")
            return "none"
        except AnalysisCancelled:
            state = JobState.CANCELLED
        except FerPhqError as failure:
            if self.stopping.is_set():  # what stops the worker may have ended the decoder's process, too
                raise WorkerStopping from failure
            error = failure.message
        except Exception as failure:
            error = _unforeseen(failure)
        settled = self._patiently(
            lambda: self._store.jobs.finish(
                workflow_id=workflow_id, claim=claim, state=state, error=error, analysis_id=analysis_id
            )
        )
        log.info("ends %s after %.1f s", state if settled else "unsettled", time.monotonic() - started)
        return str(state) if settled else "none"

    def _analyse_patiently(self, job: JobRecord, workflow_id: str, claim: str) -> str:
        """Analyse, and again from the beginning where the store was away while something was read from it."""
        while True:
            try:
                return self._analyse(job, workflow_id, claim)
            except StoreAwayError:
                _still_there(lambda: self._once_answered(lambda: self._store.jobs.get(job_id=job.id)))

    def _analyse(self, job: JobRecord, workflow_id: str, claim: str) -> str:
        """Return the id of the job's analysis, found in the store or computed and saved."""
        if job.claims > MOST_CLAIMS:
            raise RecordingError(messages.ABANDONED(times=MOST_CLAIMS))
        settings = current_settings(self._settings, self._store).analysis_settings(job.settings)
        session = _still_there(lambda: self._store.sessions.get(session_id=job.session_id))
        _still_there(lambda: check_consent(self._store, session.id))
        with sidecar_files(self._settings, self._store, session.id) as sidecar:
            existing = self._store.analyses.find(
                session_id=session.id,
                model_id=self._analyser.model_id,
                settings=settings,
                sidecar_digest=sidecar.digest(),
            )
            if existing is not None:
                return existing.id
            hook = self._hook(workflow_id, claim)
            path = self._recording_of(session)
            analysis = self._analyser.analyse(path, settings, hook, sidecar, session.original_name)
        measures = versioned_measures(analysis, settings)

        def save() -> str:
            check_consent(self._store, session.id)  # it may have been withdrawn meanwhile
            return self._store.analyses.save(
                session_id=session.id,
                analysis=analysis,
                settings=settings,
                measures=measures,
                choice_at=self._choice_time(session.id, settings),
            )

        return _still_there(lambda: self._once_answered(save))

    def _patiently(self, call: Callable[[], T]) -> T:
        """Call, and call again: while the store is away, and a few times where it fails otherwise.

        Raises:
            WorkerStopping: The worker stops meanwhile.
            NotFoundError: At once.
            StoreError: The store failed each time.
        """
        for wait in PATIENCE:
            try:
                return self._once_answered(call)
            except NotFoundError:
                raise
            except StoreError as error:
                log.warning("the store failed, trying again: %s", error)
                time.sleep(wait)
        return self._once_answered(call)

    def _once_answered(self, call: Callable[[], T]) -> T:
        """Call, and call again while the store is away. Raises WorkerStopping when the worker stops meanwhile."""
        try:
            return call_until_answered(call, goes_on=lambda: not self.stopping.is_set())
        except StoreAwayError as error:
            raise WorkerStopping from error

    def _choice_time(self, session_id: str, settings: Settings) -> datetime | None:
        """Return when a person chose these faces for an earlier analysis of a session; None where nobody did."""
        if not settings.tracks:
            return None
        analyses = self._store.sessions.get_detail(session_id=session_id).analyses
        times = [
            summary.choice_at
            for summary in analyses
            if summary.choice_at is not None and tuple(summary.settings.get("tracks") or ()) == settings.tracks
        ]
        return max(times, default=None)

    def _recording_of(self, session: SessionRecord) -> Path:
        """Return where the session's recording is. Raises RecordingError when it is gone."""
        if session.media_path is None:
            raise RecordingError(messages.RECORDING_REMOVED())
        path = self._media.path_of(session.media_path)
        if not path.is_file():
            raise RecordingError(messages.RECORDING_MISSING())
        return path

    def _hook(self, workflow_id: str, claim: str) -> ProgressHook:
        """Make a hook that reports progress, and raises when the job is cancelled, lost, or the worker stops."""
        next_report = 0.0
        step: Step | None = None
        step_started_at = last_seen = datetime.now(UTC)

        def report(progress: Progress) -> None:
            nonlocal next_report, step, step_started_at, last_seen
            if self.stopping.is_set():
                raise WorkerStopping
            is_new_step = progress.step is not step
            if is_new_step:
                step = progress.step
                step_started_at = last_seen
            last_seen = datetime.now(UTC)
            now = time.monotonic()
            if not is_new_step and progress.step is not Step.ESTIMATE and now < next_report:
                return
            next_report = now + PROGRESS_SECONDS
            self._report(workflow_id, claim, progress, step_started_at)

        return report

    def _report(self, workflow_id: str, claim: str, progress: Progress, step_started_at: datetime) -> None:
        try:
            answer = self._store.jobs.set_progress(
                workflow_id=workflow_id, claim=claim, progress=progress, step_started_at=step_started_at
            )
        except StoreError as error:
            log.warning("progress of workflow %s was not written: %s", workflow_id, error)
            return
        if answer == "cancel":
            raise AnalysisCancelled(messages.ANALYSIS_CANCELLED())
        if answer == "lost":
            raise ClaimLost


def _still_there(call: Callable[[], T]) -> T:
    """Return the call's result; a session that is gone means that the job is gone with it."""
    try:
        return call()
    except NotFoundError as error:
        raise ClaimLost from error


def _unforeseen(failure: Exception) -> Message:
    """Log an unforeseen failure under a number; the message names the number only."""
    number = uuid.uuid4().hex[:8]
    log.error("failed, number %s", number, exc_info=failure)
    return (messages.OUT_OF_MEMORY if isinstance(failure, MemoryError) else messages.UNFORESEEN)(number=number)
