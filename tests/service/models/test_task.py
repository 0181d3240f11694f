"""Commands in processes of their own: what is known of them, also when they, or who watches them, are killed."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from typing import TypeVar

import psutil
import pytest

from db.store import Store
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import literal
from service.models.task import Task, TaskRunner, TaskState, environment
from service.settings import AppSettings

LONG = ["worker"]
"""A command that runs until it is stopped."""
T = TypeVar("T")


@pytest.fixture
def background(settings: AppSettings, store: Store) -> TaskRunner:
    """Tasks of an installation with a database, without which a worker would end at once."""
    return TaskRunner(settings, "training")


def wait(true: Callable[[], T | None], seconds: float = 120) -> T:
    """What the function gives once it gives something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = true()
        if found:
            return found
        time.sleep(0.05)
    pytest.fail("it did not happen")


def end_of(background: TaskRunner) -> Task:
    """The task, once it runs no more."""

    def ended() -> Task | None:
        task = background.status()
        assert task is not None
        return None if task.state is TaskState.RUNNING else task

    return wait(ended)


def process_of(settings: AppSettings) -> psutil.Process:
    """The command's process, once its supervisor has started it."""

    def found() -> psutil.Process | None:
        pid = json.loads((settings.data_dir / "training" / "state.json").read_text()).get("pid")
        return psutil.Process(pid) if pid else None

    return wait(found)


@pytest.mark.slow
def test_a_command_runs_to_its_end_and_another_can_follow(background: TaskRunner, settings: AppSettings) -> None:
    assert background.status() is None
    background.cancel()  # there is nothing to cancel
    background.start("first", ["models", "verify", "--help"])
    assert background.status() is not None
    process = process_of(settings)
    assert process.nice() >= 10
    done = end_of(background)
    assert (done.name, done.state, done.error) == ("first", TaskState.DONE, None)
    assert done.finished_at is not None
    assert done.finished_at > done.started_at
    assert any("fer-phq models verify" in line for line in done.lines)
    background.start("second", ["models", "show", "nothing"])
    failed = end_of(TaskRunner(settings, "training"))  # as after a restart of the dashboard
    assert (failed.name, failed.state) == ("second", TaskState.FAILED)
    assert failed.error is not None
    assert failed.error.code == "models.no_such_bundle"
    assert failed.error.params["reference"] == "nothing"
    assert str(failed.error).startswith("No model 'nothing'")
    assert not any("verify" in line for line in failed.lines)
    assert {path.name for path in (settings.data_dir / "training").iterdir()} == {"lock", "log.txt", "state.json"}


@pytest.mark.slow
def test_one_at_a_time_until_it_is_cancelled(background: TaskRunner, settings: AppSettings) -> None:
    background.start("first", ["models", "verify"])
    process = process_of(settings)
    with pytest.raises(FerPhqError, match="A training runs already"):
        background.start("second", LONG)
    TaskRunner(settings, "scoring").start("other", ["models", "verify", "--help"])  # another kind does not wait
    background.cancel()
    cancelled = background.status()
    assert cancelled is not None
    assert (cancelled.name, cancelled.state, cancelled.error) == ("first", TaskState.CANCELLED, None)
    assert not process.is_running()
    assert end_of(TaskRunner(settings, "scoring")).state is TaskState.DONE


def test_a_killed_command_has_failed_and_leaves_nothing(background: TaskRunner, settings: AppSettings) -> None:
    models = settings.data_dir / "models"
    for name in (".mine.abcd_123", ".others.abcd_123", ".mine.part", "mine"):
        (models / name).mkdir(parents=True)
    background.start("mine", LONG, [str(models / ".mine.????????")])
    process_of(settings).kill()
    failed = end_of(background)
    assert failed.state is TaskState.FAILED
    assert failed.error is not None
    assert "stopped from outside" in str(failed.error)
    assert {path.name for path in models.iterdir()} == {".others.abcd_123", ".mine.part", "mine"}
    assert not (settings.data_dir / "training" / "work").exists()


def test_one_whose_supervisor_is_killed_runs_on_until_it_ends_without_a_word(
    background: TaskRunner, settings: AppSettings
) -> None:
    background.start("lonely", LONG)
    process = process_of(settings)
    supervisor = process.parent()
    assert supervisor is not None
    supervisor.send_signal(signal.SIGKILL)
    wait(lambda: not supervisor.is_running())
    now = background.status()
    assert now is not None
    assert now.state is TaskState.RUNNING
    with pytest.raises(FerPhqError, match="runs already"):
        background.start("second", LONG)
    process.kill()
    failed = end_of(background)
    assert failed.state is TaskState.FAILED
    assert failed.error is not None
    assert "ended without saying why" in str(failed.error)


def test_an_error_that_an_older_version_stored_still_shows(background: TaskRunner, settings: AppSettings) -> None:
    folder = settings.data_dir / "training"
    folder.mkdir()
    state = {"name": "mine", "what": "training", "arguments": [], "leftovers": [], "state": "failed"}
    state |= {"started_at": "2026-05-04T10:00:00+00:00", "finished_at": "2026-05-04T10:01:00+00:00", "pid": None}
    (folder / "state.json").write_text(json.dumps(state | {"error": "No session is left."}))
    task = background.status()
    assert task is not None
    assert task.error == literal("No session is left.")


def test_a_state_that_is_not_ours_is_none(background: TaskRunner, settings: AppSettings) -> None:
    folder = settings.data_dir / "training"
    folder.mkdir()
    for text in ("", "[]", '{"state": "running"}'):
        (folder / "state.json").write_text(text)
        assert background.status() is None


def test_the_environment_is_small_and_keeps_no_secret(settings: AppSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FERPHQ_SECRET", "FERPHQ_MODEL", "FERPHQ_COVERAGE_FLOOR", "PGPASSFILE", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    found = environment(settings)
    assert found["FERPHQ_DATA_DIR"] == str(settings.data_dir)
    assert found["FERPHQ_DATABASE_URL"] == settings.database_url
    assert {"FERPHQ_COVERAGE_FLOOR", "PGPASSFILE", "PATH"} <= set(found)
    assert not {"FERPHQ_SECRET", "FERPHQ_MODEL", "AWS_SECRET_ACCESS_KEY"} & set(found)
