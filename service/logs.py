"""Logs of commands and services: how much is written, of which job a line is, and that nobody's data is in it.

An error's text can hold whatever was at hand when it happened: a label, a note in an SQL statement, a file's name. The
log of a service outlives what is erased. So services write an error's kind and where it happened, never its text,
whichever library logs it; at the level DEBUG they write the text too. A command writes to the terminal of whoever
runs it, with the text.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from fer_phq.core.errors import FerPhqError, SettingsError
from fer_phq.core.paths import printable
from service import messages

LEVEL_VARIABLE = "FERPHQ_LOG_LEVEL"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SHORT_FORMAT = "%(levelname)s %(name)s: %(message)s"
"""For a person who runs a command."""
LONG_FORMAT = "%(asctime)s %(levelname)s %(name)s:%(job)s %(message)s"
"""For a service, with the job and the session of each line."""

_job: ContextVar[str] = ContextVar("job", default="")


def configure_logging(default_level: str, *, service: bool = False) -> None:
    """Write logs to standard error.

    Args:
        default_level: The least level that is written, unless FERPHQ_LOG_LEVEL says otherwise.
        service: Whether this is the dashboard or a worker, whose lines name the job and hold no text of errors, rather
            than a command.

    Raises:
        SettingsError: FERPHQ_LOG_LEVEL is none of `LEVELS`.
    """
    level = os.environ.get(LEVEL_VARIABLE, "").strip().upper() or default_level
    if level not in LEVELS:
        raise SettingsError(messages.LOG_LEVEL(level=level, levels=LEVELS))
    handler = logging.StreamHandler()
    handler.setFormatter(_LineFormatter(LONG_FORMAT if service else SHORT_FORMAT))
    handler.addFilter(_add_job)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if service and level != "DEBUG":
        # The factory reaches the libraries too, which bring handlers and formats of their own.
        logging.setLogRecordFactory(_record_without_texts)
        sys.excepthook = _log_uncaught
        threading.excepthook = _log_uncaught_in_thread
    else:
        logging.setLogRecordFactory(logging.LogRecord)


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


def _record_without_texts(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """Make a log record whose errors are described by their kind."""
    record = logging.LogRecord(*args, **kwargs)
    if isinstance(record.args, tuple):
        record.args = tuple(describe(part) if isinstance(part, BaseException) else part for part in record.args)
    if record.exc_info and record.exc_info[1] is not None:
        # Formatters write this text where there is one, instead of formatting the error.
        record.exc_text = describe_trace(record.exc_info[1])
    return record


def describe(error: BaseException) -> str:
    """Return an error's kind without its text: its class, and the message's code or the system's name of the error.

    Args:
        error: The error.
    """
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    if isinstance(error, FerPhqError):
        return f"{name} ({error.message.code or 'without a code'})"
    code = errno.errorcode.get(error.errno or 0) if isinstance(error, OSError) else None
    return f"{name} ({code})" if code else name


def describe_trace(error: BaseException) -> str:
    """Return where an error and those that led to it happened, the first of them first, without their texts.

    Args:
        error: The error.
    """
    chain = [error]
    while (earlier := _earlier(chain[-1])) is not None and earlier not in chain:
        chain.append(earlier)
    return "\nwhich led to:\n".join(
        "".join(traceback.format_tb(link.__traceback__)) + describe(link) for link in reversed(chain)
    )


def _earlier(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _log_uncaught(_kind: Any, error: BaseException, _trace: Any) -> None:
    if not isinstance(error, KeyboardInterrupt):
        logging.getLogger(__name__).critical("ends by an error", exc_info=error)


def _log_uncaught_in_thread(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_value is not None and not isinstance(failure.exc_value, SystemExit):
        logging.getLogger(__name__).error("a thread ends by an error", exc_info=failure.exc_value)
