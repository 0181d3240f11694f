"""The worker process: takes queued jobs from the store, has DBOS run each exactly once, and keeps house.

Who knows what: the store's `jobs` table is what people see, and the outbox; DBOS, in its own database, decides which
worker runs which job and runs a dead worker's job again. The relay below hands queued rows to DBOS under the row's
workflow id, which DBOS takes once however often it is offered. A crash between any two writes is made good by the next
round: relay (row without workflow), recovery at start and reaper (workflow without worker), resuming (workflow that its
worker does not run), reconciliation (workflow that ended without settling its row).
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID, WorkflowHandle
from sqlalchemy import make_url

from db.engine import StoreAwayError, normalise_url, sqlite_file, store_errors, watch_connections
from db.records import JobRecord, JobState
from db.store import Store
from fer_phq.core.analysis import ProgressHook, SessionAnalysis, Settings
from fer_phq.core.errors import StoreError
from fer_phq.core.sidecar import Sidecar
from fer_phq.models.checkpoint import Bundle
from fer_phq.runtime.devices import check_device
from service.ingest.media import MediaStore
from service.ingest.partial_uploads import PartialUploads
from service.ingest.upload_limits import forget_uses
from service.jobs import messages
from service.jobs.engine_database import prepare_engine_database
from service.jobs.life_signs import LifeSigns
from service.jobs.runner import Analyser, JobRunner
from service.jobs.worker_identity import Slot, take_slot
from service.lifecycle.erasure import finish_erasures, remove_expired
from service.lifecycle.ledger import hold_reserve
from service.lifecycle.task_files import remove_masked
from service.logs import configure_logging
from service.models.active_model import active_bundle
from service.models.measures import measure_stored
from service.processes.waiting import call_until_answered
from service.settings import AppSettings, load_settings

log = logging.getLogger(__name__)
QUEUE = "analyses"
WORKFLOW = "analyse_session"
JOBS_VERSION = "1"
"""DBOS recovers workflows of its own application version only. It changes when the workflow's shape does, which is
one step that takes an id, and not with every release."""
TICK_S = 0.2
POLL_S = 0.5
STOP_S = 8.0
"""How long a stopping worker waits for its job to reach the next chunk of frames."""
KEEP_FINISHED = timedelta(days=1)
"""How long DBOS remembers finished workflows; the store's job rows stay."""
PRUNE_BATCH = 500
RELAYED_PER_WORKER = 4
"""Jobs that DBOS holds for each worker, beside those that run."""
MEASURES_AGAIN_S = 600.0
"""When analyses without measures are looked for again after none were there: the look reads all of them."""
MEASURED_AT_ONCE = 20
"""Stored analyses that are measured between two signs of life."""
ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


class PipelineAnalyser:
    """The product's pipeline with the active model, loaded when it is first needed and when another is made active."""

    def __init__(self, bundle: Callable[[], Bundle]) -> None:
        """Take a function that returns the bundle to use now."""
        self._bundle = bundle
        self._loaded: Any = None
        self._lock = threading.Lock()

    @property
    def model_id(self) -> str:
        """Id of the loaded model. Raises ModelError when it cannot be loaded."""
        return str(self._model().model_id)

    def analyse(
        self, path: Path, settings: Settings, on_progress: ProgressHook, sidecar: Sidecar, display_name: str
    ) -> SessionAnalysis:
        """Analyse one recording with the loaded model, as `fer_phq.pipeline.session.analyze` does.

        Args:
            path: The recording.
            settings: How it is analysed.
            on_progress: Called with the progress of each step.
            sidecar: Files given beside the recording.
            display_name: What errors call the recording.
        """
        from fer_phq.pipeline.session import analyze

        return analyze(path, self._model(), settings, on_progress, sidecar, display_name)

    def _model(self) -> Any:
        from fer_phq.models.model import load_model

        with self._lock:
            bundle = self._bundle()
            if self._loaded is None or self._loaded.model_id != bundle.model_id:
                self._loaded = load_model(bundle)
            return self._loaded


def run_worker(
    settings: AppSettings, *, analyser: Analyser | None = None, open_store: Callable[..., Store] = Store
) -> int:
    """Work until SIGTERM or SIGINT, and return the exit code. Call it in the main thread of a process of its own.

    A job that does not reach its next chunk within `STOP_S` of the signal is queued again, and the process ends without
    waiting for it.

    Args:
        settings: The installation's settings.
        analyser: Takes the pipeline's place, for tests that need an analysis of a certain length or end.
        open_store: Takes `Store`'s place, `open_store(url, actor=...)`, for tests that need a halt between two writes.

    Raises:
        SettingsError: The worker's name is in use, or the settings or the device that they name cannot be used.
        StoreError: The database cannot be opened.
    """
    settings.prepare()
    if analyser is None:
        check_device()  # else it would take every job, and fail it
    stop = _stop_on_signals()
    slot = take_slot(settings)
    try:
        with _open_patiently(settings, open_store, _patience(settings, stop)) as store:
            pipeline = PipelineAnalyser(lambda: active_bundle(settings, store))
            worker = _Worker(settings, store, slot, analyser or pipeline)
            try:
                worker.start(_patience(settings, stop))
                worker.keep_house(stop)
            finally:
                worker.stop()
    except StoreAwayError:
        if not stop.is_set():
            raise
        log.warning("worker %s was told to stop before the database answered", slot.name)
    finally:
        slot.release()
    log.info("worker %s stopped", slot.name)
    return 0


def _patience(settings: AppSettings, stop: threading.Event) -> Callable[[], bool]:
    """Make a function that says whether a starting worker goes on waiting for its database."""
    deadline = time.monotonic() + settings.database_wait_s
    return lambda: not stop.is_set() and time.monotonic() < deadline


def _open_patiently(settings: AppSettings, open_store: Callable[..., Store], goes_on: Callable[[], bool]) -> Store:
    """Open the store once its server answers. A SQLite file that cannot be opened is not waited for."""
    is_file = sqlite_file(normalise_url(settings.database_url)) is not None
    return call_until_answered(
        lambda: open_store(settings.database_url, actor="worker"), goes_on=lambda: not is_file and goes_on()
    )


@dataclass
class _Chore:
    """Something done every so often, from now on."""

    every_s: float
    call: Callable[[], None]
    due: float = field(default=0.0)


class _Worker:
    """One running worker: DBOS around a `JobRunner`, and the chores."""

    def __init__(self, settings: AppSettings, store: Store, slot: Slot, analyser: Analyser) -> None:
        self._settings = settings
        self._store = store
        self._name = slot.name
        self._runner = JobRunner(settings, store, analyser, slot.name)
        self._media = MediaStore(settings)
        self._relayed: set[str] = set()
        timeout = settings.worker_timeout_s
        self._signs = LifeSigns(timeout)
        self._idle: set[str] = set()
        self._measures_due = 0.0
        self._long_chores: dict[str, threading.Thread] = {}
        self._chores = [
            _Chore(timeout / 6, self._heartbeat),
            _Chore(1.0, self._relay),
            _Chore(timeout / 3, self._reap),
            _Chore(10.0, self._reconcile),
            _Chore(10.0, self._resume_idle),
            _Chore(5.0, self._measure),
            _Chore(5.0, self._finish_erasures),
            _Chore(60.0, self._complete_uploads),
            _Chore(600.0, self._prune),
            _Chore(3600.0, self._sweep),
        ]

    def start(self, goes_on: Callable[[], bool]) -> None:
        """Show signs of life and start DBOS, which recovers what a worker of this name left behind.

        A database that is away, or goes away meanwhile, is waited for.

        Args:
            goes_on: Asked before each pause; False ends the waiting.

        Raises:
            StoreAwayError: The waiting ended before the database answered.
            StoreError: The job engine's database cannot be used.
        """
        call_until_answered(self._launch_engine, goes_on=goes_on)
        # Apart, as the engine may run a job by now: that one is not to be begun again.
        call_until_answered(self._register_queue, goes_on=goes_on)
        log.info("worker %s started", self._name)

    def _launch_engine(self) -> None:
        self._heartbeat()
        with self._engine_errors():
            try:
                self._launch()
            except Exception:
                DBOS.destroy(destroy_registry=True)  # it cannot be launched twice
                raise

    def _launch(self) -> None:
        engine_url = make_url(self._settings.dbos_database_url)
        config: DBOSConfig = {
            "name": "fer-phq",
            "system_database_url": watch_connections(engine_url).render_as_string(hide_password=False),
            "executor_id": self._name,
            "application_version": JOBS_VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        runner = self._runner

        @DBOS.step(name="analyse")
        def analyse(workflow_id: str) -> str:
            return runner.run(workflow_id)

        @DBOS.workflow(name=WORKFLOW)
        def analyse_session(workflow_id: str) -> str:
            return analyse(workflow_id)

        self._workflow = analyse_session
        engine = prepare_engine_database(self._settings)
        if engine is not None:
            config["system_database_engine"] = engine
        DBOS(config=config)
        DBOS.launch()

    def _register_queue(self) -> None:
        with self._engine_errors():
            DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLL_S, on_conflict="always_update")

    @contextmanager
    def _engine_errors(self) -> Iterator[None]:
        """Turn failures of the job engine's database into a message. Raises StoreAwayError while it is away."""
        try:
            with store_errors(make_url(self._settings.dbos_database_url)):
                yield
        except StoreAwayError:
            raise
        except Exception as error:
            log.debug("the job engine did not start", exc_info=error)
            cause = error.__cause__ if isinstance(error, StoreError) and error.__cause__ else error
            raise StoreError(messages.ENGINE_DATABASE(name=type(cause).__name__)) from error

    def keep_house(self, stop: threading.Event) -> None:
        """Do the chores until told to stop; a chore that fails is logged and done again next time."""
        while not stop.wait(TICK_S):
            for chore in self._chores:
                if time.monotonic() < chore.due or stop.is_set():
                    continue
                try:
                    chore.call()
                except StoreAwayError as error:
                    log.warning("the chore %s waits for the database: %s", chore.call.__name__, error)
                except Exception:
                    log.exception("the chore %s failed", chore.call.__name__)
                chore.due = time.monotonic() + chore.every_s

    def stop(self) -> None:
        """Give the running job back, let go of DBOS and say goodbye."""
        self._runner.stopping.set()
        deadline = time.monotonic() + STOP_S
        while self._runner.busy and time.monotonic() < deadline:
            time.sleep(0.02)
        stuck = self._runner.busy
        self._runner.give_back()
        try:
            self._store.workers.forget(worker=self._name)
        except StoreAwayError as error:
            log.warning("worker %s ends without saying so: %s", self._name, error)
        if stuck:
            log.warning("worker %s ends without waiting for its job, which is queued again", self._name)
            logging.shutdown()
            os._exit(0)
        DBOS.destroy(destroy_registry=True)

    def _heartbeat(self) -> None:
        self._store.workers.heartbeat(worker=self._name, host=socket.gethostname(), pid=os.getpid())

    def _relay(self) -> None:
        """Offer queued rows to DBOS, each once by this worker and in effect once by all."""
        queued = self._next_queued()
        self._relayed &= {job.workflow_id for job in queued}
        for job in queued:
            if job.workflow_id not in self._relayed:
                self._enqueue(job)
                self._relayed.add(job.workflow_id)

    def _next_queued(self) -> list[JobRecord]:
        """List the jobs that are taken next; of a batch of thousands the others wait in the store alone.

        So a job that comes later with a higher priority has few before it that DBOS holds already.
        """
        workers = max(1, len(self._store.workers.list_all()))
        return self._store.jobs.list_queued(limit=RELAYED_PER_WORKER * workers)

    def _enqueue(self, job: JobRecord) -> None:
        workflow_id = job.workflow_id
        with SetWorkflowID(workflow_id), SetEnqueueOptions(priority=int(job.priority)):
            handle: WorkflowHandle[str] = DBOS.enqueue_workflow(QUEUE, self._workflow, workflow_id)
        log.info("workflow %s is in the queue", handle.get_workflow_id())

    def _reap(self) -> None:
        """Give the jobs of workers that show no sign of life to the living."""
        # Workers are looked up last: one that has work has shown signs of life before.
        pending = DBOS.list_workflows(status="PENDING", name=WORKFLOW, load_input=False, load_output=False)
        running = {job.worker for job in self._store.jobs.list_running() if job.worker}
        workers = self._store.workers.list_all()
        alive = self._signs.living(workers) | {self._name}
        for name in (running | {worker.id for worker in workers}) - alive:
            count = self._store.jobs.requeue_worker(worker=name)
            log.warning("worker %s shows no sign of life; %d job(s) taken from it", name, count)
        for workflow in pending:
            if workflow.executor_id not in alive:
                DBOS.resume_workflow(workflow.workflow_id, queue_name=QUEUE)
                log.warning("workflow %s is taken over", workflow.workflow_id)
        for worker in workers:
            if worker.id not in alive:
                self._store.workers.forget(worker=worker.id)

    def _reconcile(self) -> None:
        """Settle rows whose workflow has ended without doing so, and offer again what DBOS does not know."""
        jobs = self._store.jobs.list_running() + self._next_queued()
        live = [job.workflow_id for job in jobs]
        statuses = {
            workflow.workflow_id: workflow.status
            for start in range(0, len(live), PRUNE_BATCH)
            for workflow in DBOS.list_workflows(
                workflow_ids=live[start : start + PRUNE_BATCH], load_input=False, load_output=False
            )
        }
        for job in jobs:
            if job.workflow_id not in statuses:
                self._enqueue(job)
            elif statuses[job.workflow_id] in ENDED and self._store.jobs.fail(
                workflow_id=job.workflow_id, error=messages.NO_RESULT()
            ):
                log.error(
                    "workflow %s ended %s without settling its job",
                    job.workflow_id,
                    statuses[job.workflow_id],
                )
                if job.state is JobState.QUEUED:  # it never began, so nobody needs to ask for it again
                    self._store.jobs.set_state(job_id=job.id, state=JobState.QUEUED)

    def _resume_idle(self) -> None:
        """Queue workflows again that the job engine counts as run by this worker and that nothing here runs.

        So it is where the answer to its taking one was lost, or where its disk took no outcome. One that begins or ends
        just now looks the same, so it has to do so twice.
        """
        pending = DBOS.list_workflows(
            status="PENDING", name=WORKFLOW, executor_id=self._name, load_input=False, load_output=False
        )
        idle = {workflow.workflow_id for workflow in pending} - self._runner.workflow_ids
        for workflow_id in idle & self._idle:
            DBOS.resume_workflow(workflow_id, queue_name=QUEUE)
            log.warning("workflow %s was run by nobody; it is in the queue again", workflow_id)
        self._idle = idle - self._idle

    def _prune(self) -> None:
        """Forget workflows that ended a while ago: every one is rows in the engine's database."""
        before = (datetime.now(UTC) - KEEP_FINISHED).isoformat()
        while True:
            ended = DBOS.list_workflows(
                status=list(ENDED),
                name=WORKFLOW,
                completed_before=before,
                limit=PRUNE_BATCH,
                load_input=False,
                load_output=False,
            )
            if ended:
                DBOS.delete_workflows([workflow.workflow_id for workflow in ended])
            if len(ended) < PRUNE_BATCH:
                return

    def _measure(self) -> None:
        """Measure some of the analyses that have no measures yet, a few at a time: signs of life are due in between."""
        if time.monotonic() < self._measures_due:
            return
        count = measure_stored(self._store, limit=MEASURED_AT_ONCE)
        if count:
            log.info("%d stored analyses measured", count)
        else:
            self._measures_due = time.monotonic() + MEASURES_AGAIN_S

    def _finish_erasures(self) -> None:
        """Carry on erasures that were killed, or had to wait for somebody."""
        count = finish_erasures(self._settings, self._store)
        if count:
            log.info("%d erasure(s) finished", count)

    def _complete_uploads(self) -> None:
        """Have uploads that are whole made sessions; large ones take their time."""
        self._do_beside("uploads", self._complete_all)

    def _complete_all(self) -> None:
        count = PartialUploads(self._settings, self._store).complete_all()
        if count:
            log.info("%d whole upload(s) became sessions", count)

    def _sweep(self) -> None:
        """Remove what is left over or past its time; a look at each of many recordings takes its time."""
        self._do_beside("sweep", self._sweep_all)

    def _do_beside(self, name: str, call: Callable[[], None]) -> None:
        """Do a chore in a thread, unless it is still being done: it may take longer than a sign of life may."""

        def chore() -> None:
            try:
                call()
            except StoreAwayError as error:
                log.warning("the chore %s waits for the database: %s", name, error)
            except Exception:
                log.exception("the chore %s failed", name)

        thread = self._long_chores.get(name)
        if thread is None or not thread.is_alive():
            self._long_chores[name] = threading.Thread(target=chore, name=name, daemon=True)
            self._long_chores[name].start()

    def _sweep_all(self) -> None:
        hold_reserve(self._settings)
        remove_expired(self._settings, self._store)
        forget_uses(self._settings)
        self._store.idempotency.forget_expired()
        remove_masked(self._settings)
        removed = self._media.sweep(lambda relative: self._store.sessions.media_in_use(media_path=relative))
        if removed:
            log.info("%d leftover file(s) removed", removed)


def _stop_on_signals() -> threading.Event:
    """Make an event that SIGTERM and SIGINT set; a second signal ends the process at once."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop


def main() -> int:
    """Run a worker with settings from the environment: `python -m service.jobs.worker`."""
    configure_logging("INFO", service=True)
    return run_worker(load_settings())


if __name__ == "__main__":
    raise SystemExit(main())
