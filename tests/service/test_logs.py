"""Logs: how much is written, and that a worker's lines name the job and its session."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from fer_phq.core.errors import SettingsError
from service.logs import LONG_FORMAT, configure_logging, job_in_logs


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """Put the handlers and levels back that were there."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    level = root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(logging.NOTSET)


def test_lines_of_a_job_name_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FERPHQ_LOG_LEVEL", raising=False)
    configure_logging("INFO", LONG_FORMAT)
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
