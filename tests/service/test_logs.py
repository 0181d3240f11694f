"""Logs: how much is written, and that a worker's lines name the job and its session."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from db.messages import NO_ACCOUNT
from fer_phq.core.errors import SettingsError, StoreError
from service.logs import configure_logging, job_in_logs


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """Put the handlers and levels back that were there."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    level = root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.setLogRecordFactory(logging.LogRecord)
    sys.excepthook = sys.__excepthook__
    threading.excepthook = threading.__excepthook__
    logging.getLogger("alembic").setLevel(logging.NOTSET)


def test_lines_of_a_job_name_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FERPHQ_LOG_LEVEL", raising=False)
    configure_logging("INFO", service=True)
    with job_in_logs("job-1", "session-2"):
        logging.getLogger("fer_phq.pipeline").info("stages")
    logging.getLogger("service.jobs.worker").info("started")
    inside, outside = capsys.readouterr().err.splitlines()
    assert inside.endswith("INFO fer_phq.pipeline: job job-1 session session-2: stages")
    assert outside.endswith("INFO service.jobs.worker: started")


def test_the_level_is_a_setting(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERPHQ_LOG_LEVEL", "error")
    configure_logging("INFO")
    logging.getLogger("service").warning("not written")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("FERPHQ_LOG_LEVEL", "loud")
    with pytest.raises(SettingsError, match=r"FERPHQ_LOG_LEVEL is 'LOUD': write one of DEBUG, INFO, WARNING, ERROR\."):
        configure_logging("INFO")


CANARY = "Zebulon Canary"


@pytest.fixture
def failure() -> OperationalError:
    """An error of the database whose text holds what was written, caused by another that names a file."""
    with pytest.raises(OperationalError) as caught:
        _write_nowhere()
    assert CANARY in str(caught.value), "the test writes what could be logged"
    return caught.value


def _write_nowhere() -> None:
    statement = text("INSERT INTO none VALUES (:label)")
    try:
        raise FileNotFoundError(2, "No such file", f"/media/{CANARY}.mp4")
    except FileNotFoundError:
        create_engine("sqlite://").connect().execute(statement, {"label": CANARY})


@pytest.mark.parametrize("own_handler", [False, True])
def test_a_services_log_holds_no_text_of_errors(
    failure: OperationalError, own_handler: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FERPHQ_LOG_LEVEL", raising=False)
    configure_logging("INFO", service=True)
    log = logging.getLogger(f"library_{own_handler}")
    log.propagate = not own_handler
    if own_handler:
        log.addHandler(logging.StreamHandler())

    log.error("no answer: %s, %s", failure, StoreError(NO_ACCOUNT(name=CANARY)), exc_info=failure)

    written = capsys.readouterr().err
    assert CANARY not in written
    assert "no answer: sqlalchemy.exc.OperationalError, fer_phq.core.errors.StoreError (" in written
    first, driver, last = written.split("which led to:\n")
    assert first.endswith("FileNotFoundError (ENOENT)\n")
    assert driver.endswith("sqlite3.OperationalError\n")
    assert "in _write_nowhere" in last, "where it happened"
    assert last.endswith("sqlalchemy.exc.OperationalError\n")


def test_what_nobody_caught_is_logged_without_its_text(
    failure: OperationalError, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FERPHQ_LOG_LEVEL", raising=False)
    configure_logging("INFO", service=True)

    def fail() -> None:
        raise failure

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    sys.excepthook(type(failure), failure, failure.__traceback__)

    written = capsys.readouterr().err
    assert CANARY not in written
    assert written.count("\nsqlalchemy.exc.OperationalError\n") == 2


@pytest.mark.parametrize("service", [True, False])
def test_texts_are_written_for_who_asks(
    failure: OperationalError, service: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service at the level DEBUG, and a command, whose terminal is the reader's own."""
    monkeypatch.setenv("FERPHQ_LOG_LEVEL", "DEBUG" if service else "INFO")
    configure_logging("INFO", service=service)
    logging.getLogger("library").error("no answer: %s", failure)
    assert CANARY in capsys.readouterr().err
