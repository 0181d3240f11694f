"""Many at once, fewer and smaller than `run.py` has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from recordings import Recordings
from served import free_port

from tests.faults.crowds import upload_at_once, write_at_once
from tests.faults.installation import Installation, installation

pytestmark = pytest.mark.faults


@pytest.fixture
def house(tmp_path: Path, recordings: Recordings) -> Iterator[Installation]:
    with installation(tmp_path, recordings(seconds=1), port=free_port()) as made:
        yield made


def test_many_writers_lose_no_write(house: Installation) -> None:
    result = write_at_once(house, writers=20, seconds=8)
    print(result)
    assert result.faults == []


def test_many_uploads_at_once_are_each_stored_once(house: Installation) -> None:
    result = upload_at_once(house, uploads=8, size=20_000_000)
    print(result)
    assert result.faults == []
    assert result.counts["jobs done"] == 8
