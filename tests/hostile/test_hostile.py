"""A part of the hostile files, by name, so that every run takes the same ones; `run.py` brings all of them in."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from hostile.documents import hostile_tables, hostile_transcripts
from hostile.doors import analyse_all, read_tables, read_transcripts, upload_all
from hostile.media import boxes, chunks, cut, deep, elements, flipped, hostile_recordings, joined, sounds, tables, texts

LIGHT = 300_000
"""Bytes of the largest document that the default tests read."""


@pytest.mark.slow
def test_there_are_enough_of_them_and_they_are_always_the_same() -> None:
    makers = (cut, flipped, boxes, tables, elements, chunks, sounds, joined, texts)
    names = [name for make in makers for name, _ in make()]
    assert len(set(names)) == len(names) > 500
    assert dict(boxes()) == dict(boxes())
    assert dict(flipped()) == dict(flipped())


def test_documents_are_read_or_refused_in_a_sentence() -> None:
    transcripts = read_transcripts((name, content) for name, content in hostile_transcripts() if len(content) < LIGHT)
    assert transcripts.failures == []
    assert transcripts.outcomes.total() > 60
    sheets = read_tables((name, content) for name, content in hostile_tables() if len(content) < LIGHT)
    assert sheets.failures == []
    assert sheets.outcomes.total() > 100


@pytest.mark.slow
def test_a_few_recordings_are_stored_or_refused_in_a_sentence(tmp_path: Path) -> None:
    files = [next(islice(make(), 7, None)) for make in (cut, flipped, boxes, tables, elements, deep)]
    result = upload_all(files, tmp_path / "data")
    assert result.failures == []
    assert result.outcomes.total() == len(files)


@pytest.mark.slow
def test_every_tenth_recording_is_stored_or_refused_in_a_sentence(tmp_path: Path) -> None:
    result = upload_all(islice(hostile_recordings(), 3, None, 10), tmp_path / "data")
    assert result.failures == []
    assert result.outcomes["stored"] > 5
    assert result.outcomes["refused"] > 40


@pytest.mark.slow
def test_the_command_analyses_what_it_can_and_refuses_the_rest(tmp_path: Path) -> None:
    paths = []
    for name, content in islice(hostile_recordings(), 5, None, 40):
        paths.append(tmp_path / name)
        paths[-1].write_bytes(content)
    result = analyse_all(paths, tmp_path / "data")
    assert result.failures == []
    assert result.outcomes["refused"] > 5
