"""Waiting for a database that does not answer."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from served import free_port

from db.engine import StoreAwayError
from db.urls import sqlite_url
from fer_phq.core.errors import StoreError
from service.processes import waiting
from service.processes.waiting import call_until_answered, wait_for_database


def test_the_call_is_made_until_the_store_answers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", pauses.append)
    answers: list[StoreAwayError] = [StoreAwayError("It restarts.")] * 6

    def call() -> str:
        if answers:
            raise answers.pop()
        return "here"

    with caplog.at_level(logging.WARNING):
        assert call_until_answered(call, goes_on=lambda: True) == "here"
    assert pauses == [0.5, 1, 2, 4, 5, 5]
    assert len(caplog.records) == 6


def test_other_failures_and_the_end_of_patience_are_raised_at_once() -> None:
    def fail() -> None:
        raise StoreError("It is damaged.")

    def away() -> None:
        raise StoreAwayError("It restarts.")

    with pytest.raises(StoreError, match="damaged"):
        call_until_answered(fail, goes_on=lambda: True)
    with pytest.raises(StoreAwayError):
        call_until_answered(away, goes_on=lambda: False)


def test_a_server_that_is_not_there_is_one_sentence_and_a_file_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(StoreAwayError, match=r"The database server at .* cannot be reached \(.*\): check that it runs"):
        wait_for_database(f"postgresql://nobody@127.0.0.1:{free_port()}/none", wait_s=0)
    wait_for_database(sqlite_url(tmp_path / "not" / "there.db"), wait_s=0)
