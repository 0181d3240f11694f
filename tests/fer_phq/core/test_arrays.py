"""Rows of numbers: order, types and room."""

from __future__ import annotations

import numpy as np
import pytest

from fer_phq.core import arrays as module
from fer_phq.core.arrays import Rows


def test_rows_keep_their_order_while_their_room_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MORE_ROWS", 2)
    parts = [np.arange(2 * n, dtype=np.float32).reshape(n, 2) + 100 * n for n in (1, 5, 0, 2, 1)]
    rows = Rows(np.float32, 2)
    for part in parts:
        rows.add(part)
    assert len(rows) == 9
    np.testing.assert_array_equal(rows.take(), np.concatenate(parts))


def test_rows_of_another_type_are_rounded() -> None:
    rows = Rows(np.float16, 1)
    rows.add([[1 / 3], [np.nan]])
    taken = rows.take()
    assert taken.dtype == np.float16
    np.testing.assert_array_equal(taken, np.array([[1 / 3], [np.nan]], np.float16))


def test_rows_that_were_taken_stay_as_they_are() -> None:
    rows = Rows(np.int32)
    rows.add([1, 2])
    first = rows.take()
    assert len(rows) == 0
    rows.add(np.full(10_000, 7))
    np.testing.assert_array_equal(first, [1, 2])
    assert len(rows.take()) == 10_000


def test_no_rows_have_the_shape_of_a_row() -> None:
    rows = Rows(np.float32, 5, 2)
    rows.add([])
    assert rows.take().shape == (0, 5, 2)


def test_rows_of_another_shape_are_refused() -> None:
    rows = Rows(np.float32, 3)
    with pytest.raises(ValueError, match="broadcast"):
        rows.add(np.zeros((2, 4)))
