"""Tables as JSON, CSV, Parquet or Arrow, written block by block: memory is bounded by a block, not by the table.

The four hold the same numbers, bit for bit. What was not measured is null, an empty cell in CSV.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from service.views.data_dictionary import Column
from service.views.exports import as_csv

BLOCK_ROWS = 20_000
"""Rows that are read and written at once."""


class Format(StrEnum):
    """What a table is written as."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


MEDIA_TYPES: Mapping[Format, str] = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.ARROW: "application/vnd.apache.arrow.stream",
}


@dataclass(frozen=True, eq=False)
class Table:
    """A table that is read while it is written.

    Attributes:
        name: The file's name without its ending.
        facts: What holds for the whole table.
        columns: What its columns mean; those without an entry are written all the same.
        blocks: Its rows, at least one block, all with the same columns.
        version: What a table that never changes is told from others by; '' for one that may change, without an ETag.
    """

    name: str
    facts: Mapping[str, str]
    columns: Sequence[Column]
    blocks: Iterable[pd.DataFrame]
    version: str = ""


def _write_json(table: Table, blocks: Iterator[pd.DataFrame]) -> Iterator[bytes]:
    first = next(blocks)
    schema = _schema(table, first)
    columns = [{"name": str(name), **_meaning(table, str(name))} for name in first]
    head = {"name": table.name, "facts": dict(table.facts), "columns": columns}
    yield json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "items": ['
    separator = b""
    for block in itertools.chain([first], blocks):
        rows = [json.dumps(row, ensure_ascii=False, allow_nan=False, default=_instant) for row in _rows(block, schema)]
        if rows:
            yield separator + ",\n".join(rows).encode()
            separator = b",\n"
    yield b"]}"


def _rows(block: pd.DataFrame, schema: pa.Schema) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _batch(block, schema).to_pylist()
    return rows


def _instant(at: Any) -> str:
    return str(at.isoformat()).replace("+00:00", "Z")


def _write_csv(table: Table, blocks: Iterator[pd.DataFrame]) -> Iterator[bytes]:
    for number, block in enumerate(blocks):
        # The digits of a number of 64 bits say exactly what one of 32 is.
        cells = {str(name): block[name].astype("float64") for name in block.select_dtypes("float32")}
        times = block.select_dtypes("datetimetz")
        for name in times:
            cells[str(name)] = pd.Series(
                [None if pd.isna(at) else _instant(at) for at in times[name]], block.index, object
            )
        yield as_csv(block.assign(**cells), header=number == 0).encode()


def _write_parquet(table: Table, blocks: Iterator[pd.DataFrame]) -> Iterator[bytes]:
    yield from _write_batches(table, blocks, lambda sink, schema: pq.ParquetWriter(sink, schema))


def _write_arrow(table: Table, blocks: Iterator[pd.DataFrame]) -> Iterator[bytes]:
    yield from _write_batches(table, blocks, pa.ipc.new_stream)


def _write_batches(
    table: Table, blocks: Iterator[pd.DataFrame], open_writer: Callable[[Any, pa.Schema], Any]
) -> Iterator[bytes]:
    first = next(blocks)
    schema = _schema(table, first)
    sink = _Sink()
    writer = open_writer(pa.PythonFile(sink, mode="w"), schema)
    for block in itertools.chain([first], blocks):
        writer.write_batch(_batch(block, schema))
        yield sink.take()
    writer.close()
    yield sink.take()


WRITERS: Mapping[Format, Callable[[Table, Iterator[pd.DataFrame]], Iterator[bytes]]] = {
    Format.JSON: _write_json,
    Format.CSV: _write_csv,
    Format.PARQUET: _write_parquet,
    Format.ARROW: _write_arrow,
}


class _Sink:
    """A file that is only written, and emptied as it grows."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, part: Any) -> int:
        content = bytes(part)
        self._parts.append(content)
        self._size += len(content)
        return len(content)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        content = b"".join(self._parts)
        self._parts.clear()
        return content


def _batch(block: pd.DataFrame, schema: pa.Schema) -> pa.RecordBatch:
    """Return a block as Arrow has it: NaN is null."""
    return pa.RecordBatch.from_pandas(block, schema=schema, preserve_index=False)


def _schema(table: Table, block: pd.DataFrame) -> pa.Schema:
    plain = pa.Schema.from_pandas(block, preserve_index=False)
    fields = []
    for field in plain:
        # A text that no row has would get a type of its own.
        typed = field.with_type(pa.string()) if pa.types.is_null(field.type) else field
        fields.append(typed.with_metadata(_meaning(table, field.name)))
    return pa.schema(fields, {**(plain.metadata or {}), "name": table.name, **table.facts})


def _meaning(table: Table, name: str) -> dict[str, str]:
    column = next((column for column in table.columns if column.name == name), None)
    if column is None:
        return {"unit": "", "meaning": "", "empty": ""}
    return {"unit": column.unit, "meaning": column.meaning, "empty": column.empty}
