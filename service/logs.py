"""Logs of commands and workers: how much is written, and of which job a line is."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from fer_phq.core.errors import SettingsError
from fer_phq.core.paths import printable
from service import messages

LEVEL_VARIABLE = "FERPHQ_LOG_LEVEL"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SHORT_FORMAT = "%(levelname)s %(name)s: %(message)s"
"""For a person who runs a command."""
LONG_FORMAT = "%(asctime)s %(levelname)s %(name)s:%(job)s %(message)s"
"""For a worker, with the job and the session of each line."""

_job: ContextVar[str] = ContextVar("job", default="")


def configure_logging(default_level: str, log_format: str = SHORT_FORMAT) -> None:
    """Write logs to standard error.

    Args:
        default_level: The least level that is written, unless FERPHQ_LOG_LEVEL says otherwise.
        log_format: How a line is written; `%(job)s` is the job that it belongs to.

    Raises:
        SettingsError: FERPHQ_LOG_LEVEL is none of `LEVELS`.
    """
    level = os.environ.get(LEVEL_VARIABLE, "").strip().upper() or default_level
    if level not in LEVELS:
        raise SettingsError(messages.LOG_LEVEL(level=level, levels=LEVELS))
    handler = logging.StreamHandler()
    handler.setFormatter(_LineFormatter(log_format))
    handler.addFilter(_add_job)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


@contextmanager
def job_in_logs(job_id: str, session_id: str) -> Iterator[None]:
    """Name a job and its session on each line that is logged inside of the `with`.

    Args:
        job_id: The job's UUID.
        session_id: The session's UUID.
    """
    token = _job.set(f" job {job_id} session {session_id}:")
    try:
        yield
    finally:
        _job.reset(token)


class _LineFormatter(logging.Formatter):
    """Formatter of lines in which nothing moves the terminal or begins a line of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Format the line without its traceback."""
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        """Format a traceback."""
        return printable(super().formatException(ei), keep_lines=True)


def _add_job(record: logging.LogRecord) -> bool:
    record.job = _job.get()
    return True
