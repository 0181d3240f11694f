"""CSV tables of labelled images: FER2013's with its pixels, FER+'s votes, and lists of paths and labels."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa

from fer_phq.core.csv_input import Column, CsvReader, OtherColumns, Problem, Row, TableFormat, open_text, parse_whole
from fer_phq.core.emotions import FERPLUS_VOTES
from fer_phq.core.errors import FerPhqError
from fer_phq.core.paths import find_spelling
from training.emotion.data import messages

FER2013_USAGE = {"train": "Training", "valid": "PublicTest", "test": "PrivateTest"}
VOTE_COLUMNS = {f"votes_{name}".lower(): f"votes_{name}" for name in FERPLUS_VOTES}
"""The ten columns as the reader of tables names them, and as the rows of FER+'s parquet files do."""
IMAGES = TableFormat(
    (
        Column("pixels"),
        Column("path"),
        Column("label", ("fer2013_label", "emotion", "labels")),
        Column("usage"),
        Column("split"),
        *map(Column, VOTE_COLUMNS),
    ),
    OtherColumns.IGNORED,
)
VOTES = TableFormat(
    (
        Column("usage"),
        *(Column(name, (name.removeprefix("votes_"),), required=True) for name in VOTE_COLUMNS),
    ),
    OtherColumns.IGNORED,
)


def read_label_table(path: Path, split: str | None = None, votes: Path | None = None) -> datasets.Dataset:
    """Read FER2013's CSV (emotion, pixels, Usage) or a list (path, label, split).

    Args:
        path: The CSV file. Paths in a list are relative to its folder.
        split: The part whose rows are returned, where the table has a column of parts.
        votes: FER+'s `fer2013new.csv`, whose rows belong to those of FER2013's CSV one by one.

    Returns:
        Rows with `image` (`bytes`, the pixels as a PGM picture, or `path`) and, where the table has them, `label` and
        `votes_...`. A label that a data frame wrote as 3.0 is 3.

    Raises:
        FerPhqError: The table is of neither kind, or something in it or in the votes is wrong.
    """
    with path.open("rb") as file:
        reader = CsvReader(open_text(file), IMAGES)
        if reader.fault is None and not {"pixels", "path"} & reader.labels.keys():
            raise FerPhqError(messages.NEITHER_PIXELS_NOR_PATHS(path=str(path)))
        part_column = "usage" if "pixels" in reader.labels else "split"
        if split is not None and reader.fault is None and part_column not in reader.labels:
            raise FerPhqError(messages.NO_COLUMN_OF_PARTS(path=str(path), part=split))
        vote_rows = _read_votes(votes) if votes and "pixels" in reader.labels else None
        columns, count, parts, problems = _read_columns(reader, path.parent, split, vote_rows)
    _refuse(path, reader, problems)
    if split is not None and count and not columns["path"]:
        raise FerPhqError(messages.NO_SUCH_PART(path=str(path), part=split, parts=tuple(sorted(parts))[:10]))
    if vote_rows is not None and len(vote_rows) != count:
        raise FerPhqError(
            messages.VOTES_DO_NOT_MATCH(votes=str(votes), vote_rows=len(vote_rows), path=str(path), rows=count)
        )
    missing = [file for file in columns["path"] if file is not None and not Path(file).is_file()]
    if missing:
        raise FerPhqError(messages.FILES_MISSING(path=str(path), count=len(missing), first=missing[0]))
    pictures = [pa.array(columns.pop("bytes"), pa.binary()), pa.array(columns.pop("path"), pa.string())]
    image = pa.StructArray.from_arrays(pictures, ["bytes", "path"])
    return datasets.Dataset(pa.table({"image": image, **columns}))


def _read_columns(
    reader: CsvReader, folder: Path, split: str | None, vote_rows: Sequence[Row] | None
) -> tuple[dict[str, list[Any]], int, set[str], list[Problem]]:
    """Read a part: its columns, the number of all rows, the names of all parts, and what is wrong in the part."""
    vote_columns = [column for column in VOTE_COLUMNS if vote_rows is not None or column in reader.labels]
    columns: dict[str, list[Any]] = {"bytes": [], "path": []}
    columns |= {"label": []} if "label" in reader.labels else {}
    columns |= {VOTE_COLUMNS[column]: [] for column in vote_columns}
    problems: list[Problem] = []
    count = 0
    parts: set[str] = set()
    sides: list[int] = []
    for row in reader:
        count += 1
        parts.add(_part(row)[:40])
        if not _is_of_part(row, split):
            continue
        votes = row
        if vote_rows is not None:
            votes = vote_rows[count - 1] if count <= len(vote_rows) else Row(row.number, row.line, 0, {})
            problems += _contradictions(row, votes)
        else:
            problems += _vote_problems(row)
        problems += _add_image(columns, row, folder, sides)
        if "label" in columns:
            columns["label"].append(_label(row["label"]))
        for column in vote_columns:
            columns[VOTE_COLUMNS[column]].append(parse_whole(votes[column]))
    return columns, count, parts, problems


def _add_image(columns: dict[str, list[Any]], row: Row, folder: Path, sides: list[int]) -> Iterator[Problem]:
    """Add a row's pixels as a picture, or its path; `sides` collects the side of the first picture."""
    of_pixels = "pixels" in row.labels
    side, picture = _picture(row["pixels"]) if of_pixels else (0, None)
    columns["bytes"].append(picture)
    columns["path"].append(None if of_pixels else str(find_spelling(folder / row["path"])))
    if not of_pixels:
        return
    if picture is None:
        yield Problem(row.number, row.label("pixels"), messages.NO_SQUARE_OF_PIXELS())
        return
    sides[:] = sides or [side]
    if side != sides[0]:  # a row that is cut off may be a square by chance
        yield Problem(row.number, row.label("pixels"), messages.OTHER_SIDE(side=side, usual=sides[0]))


def _read_votes(path: Path) -> list[Row]:
    """Read FER+'s votes. Raises FerPhqError."""
    if not path.is_file():
        raise FerPhqError(messages.NO_VOTES(path=str(path)))
    with path.open("rb") as file:
        reader = CsvReader(open_text(file), VOTES)
        rows = list(reader)
    _refuse(path, reader, [problem for row in rows for problem in _vote_problems(row)])
    return rows


def _vote_problems(row: Row) -> Iterator[Problem]:
    """Find votes of a row that are no counts."""
    for column in VOTE_COLUMNS:
        if column not in row.labels:
            continue
        count = parse_whole(row[column])
        if count is None or count < 0:
            yield Problem(
                row.number, row.label(column), messages.NO_COUNT(column=row.label(column), text=row[column][:20])
            )


def _refuse(path: Path, reader: CsvReader, problems: Sequence[Problem]) -> None:
    """Raise FerPhqError with the first of a table's problems and their number, if there are any."""
    fault = [reader.fault] if reader.fault else []
    listed = [*fault, *reader.heading_problems, *sorted([*reader.row_problems, *problems])]
    if listed:
        raise FerPhqError(messages.BAD_TABLE(path=str(path), n=len(listed), problem=listed[0].message_with_place))


def _is_of_part(row: Row, split: str | None) -> bool:
    """Tell whether a row belongs to a part; every row belongs to the part None."""
    if split is None:
        return True
    return _part(row) == (FER2013_USAGE.get(split, split) if "pixels" in row.labels else split)


def _part(row: Row) -> str:
    """Return the name of the part to which a row belongs, '' where the table has no column of parts."""
    return row["usage" if "pixels" in row.labels else "split"]


def _contradictions(row: Row, votes: Row) -> Iterator[Problem]:
    """Find two rows that name two different parts of FER2013: then the tables are not in the same order."""
    usage = row["usage"]
    if usage != votes["usage"] and {usage, votes["usage"]} <= set(FER2013_USAGE.values()):
        message = messages.OTHER_USAGE(usage=usage, vote_usage=votes["usage"])
        yield Problem(row.number, row.label("usage"), message)


def _label(cell: str) -> str:
    number = parse_whole(cell)
    return cell if number is None else str(number)


def _picture(pixels: str) -> tuple[int, bytes | None]:
    """Encode a string of grey values, 0 to 255 each, as a square PGM picture with its side; None if it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # what NumPy says of a text that is not all numbers
        try:
            values = np.fromstring(pixels, np.int64, sep=" ")
        except (DeprecationWarning, ValueError):
            return 0, None
    side = math.isqrt(len(values))
    if not side or side * side != len(values) or values.min() < 0 or values.max() > 255:
        return side, None
    return side, b"P5 %d %d 255\n" % (side, side) + values.astype(np.uint8).tobytes()
