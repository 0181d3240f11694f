"""Checks of the files that a manifest names: they are there, no two rows have the same, and features are alike."""

from __future__ import annotations

import filecmp
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fer_phq.core.csv_input import Row
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from fer_phq.core.paths import find_spelling
from fer_phq.core.phq import MODALITY_NAMES, Modality
from training.phq.data import messages
from training.phq.data.manifest_problems import ManifestProblem, ProblemKind, row_problem, show_cell
from training.phq.data.sessions import FeatureSpace, feature_spaces

SOURCES = ("recording", "features")
FILES = (*SOURCES, "transcript", "audio")
SAMPLE_BYTES = 64 << 10
COMPARED_BYTES = 64 << 20
"""Files of one size are the same when they agree in their first and last 64 KiB and, up to 64 MiB, in every byte."""


def source_column(row: Row) -> str:
    """Return the column that names a row's features: features, recording, or ''."""
    return next((column for column in SOURCES if row[column]), "")


def check_files(folder: Path, rows: Sequence[Row]) -> list[ManifestProblem]:
    """Find what is wrong with the files of rows.

    Args:
        folder: The manifest's folder, from which paths are relative.
        rows: All rows.

    Returns:
        Files that are not there, the same one twice, and features files that cannot be used or unlike the others.
    """
    problems: list[ManifestProblem] = []
    stats: dict[int, os.stat_result] = {}
    for row in rows:
        for column in FILES:
            if not row[column]:
                continue
            stat = _stat(str(find_spelling(folder / row[column])), show_cell(row[column]))
            if isinstance(stat, Message):
                problems.append(row_problem(row, ProblemKind.FILE, column, stat))
            elif column == source_column(row):
                stats[row.number] = stat
    present = [row for row in rows if row.number in stats]
    problems += _repeated_files(folder, present, stats)
    problems += _unlike_features(folder, [row for row in present if source_column(row) == "features"], stats)
    return problems


def _stat(path: str, file: str) -> os.stat_result | Message:
    """Return a file's status, or what is wrong with it, in which it is called `file`."""
    try:
        stat = os.stat(path)
    except FileNotFoundError:
        return messages.NOT_THERE(file=file)
    except OSError as error:
        return messages.CANNOT_OPEN(file=file, strerror=error.strerror or str(error))
    if os.path.isdir(path):
        return messages.FOLDER(file=file)
    if not os.path.isfile(path):
        return messages.NOT_REGULAR(file=file)
    if not stat.st_size:
        return messages.EMPTY_FILE(file=file)
    return stat if os.access(path, os.R_OK) else messages.FORBIDDEN(file=file)


def _repeated_files(
    folder: Path, rows: Sequence[Row], stats: Mapping[int, os.stat_result]
) -> Iterator[ManifestProblem]:
    """Find rows whose recording or features file is another row's too: by name, by link, or by content."""
    files: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rows:
        files[stats[row.number].st_dev, stats[row.number].st_ino].append(row)
    for same in _same_content(folder, list(files.values()), stats):
        conflict = next((c for c in ("subject_id", "score") if len({row[c] for row in same}) > 1), None)
        if conflict:
            yield from _conflicts(same, conflict)
            continue
        for row in same[1:]:
            column = source_column(row)
            message = messages.SAME_FILE(file=show_cell(row[column]), row=same[0].number)
            yield row_problem(row, ProblemKind.DUPLICATE, column, message)


def _conflicts(same: Sequence[Row], column: str) -> Iterator[ManifestProblem]:
    """Find rows of one file that disagree in a column: nobody can tell which is right."""
    first = same[0]
    second = next(row for row in same if row[column] != first[column])
    for row in same:
        opposite = second if row[column] == first[column] else first
        source = source_column(row)
        message = messages.SAME_FILE_OTHER_CELL(
            file=show_cell(row[source]), row=opposite.number, column=row.label(column), cell=show_cell(opposite[column])
        )
        yield row_problem(row, ProblemKind.SUBJECTS, source, message)


def _same_content(folder: Path, files: list[list[Row]], stats: Mapping[int, os.stat_result]) -> Iterator[list[Row]]:
    """Find groups of two or more rows whose files have the same content, given the rows of each file on the disk."""
    sizes: dict[int, list[list[Row]]] = defaultdict(list)
    for rows in files:
        sizes[stats[rows[0].number].st_size].append(rows)
    for size, of_one_size in sizes.items():
        by_sample: dict[bytes, list[list[Row]]] = defaultdict(list)
        for rows in of_one_size:
            path = _source_path(folder, rows[0])
            groups = by_sample[_sample(path, size) if len(of_one_size) > 1 else b""]
            for group in groups:
                if _is_same(path, _source_path(folder, group[0]), size):
                    group.extend(rows)
                    break
            else:
                groups.append(list(rows))
        for groups in by_sample.values():
            yield from (sorted(group, key=lambda row: row.number) for group in groups if len(group) > 1)


def _source_path(folder: Path, row: Row) -> str:
    return str(find_spelling(folder / row[source_column(row)]))


def _is_same(path: str, second_path: str, size: int) -> bool:
    """Tell whether two files of one size and one sample are the same."""
    return size <= 2 * SAMPLE_BYTES or size > COMPARED_BYTES or filecmp.cmp(path, second_path, shallow=False)


def _sample(path: str, size: int) -> bytes:
    """Return a digest of a file's first and last 64 KiB (the end of a .npz holds a checksum of each array)."""
    try:
        with open(path, "rb") as file:
            start = file.read(SAMPLE_BYTES)
            file.seek(max(len(start), size - SAMPLE_BYTES))
            return hashlib.sha1(start + file.read(SAMPLE_BYTES), usedforsecurity=False).digest()
    except OSError:
        return path.encode(errors="surrogateescape")  # unlike every other: what cannot be read is told elsewhere


def _unlike_features(
    folder: Path, rows: Sequence[Row], stats: Mapping[int, os.stat_result]
) -> Iterator[ManifestProblem]:
    """Find features files that cannot be used, or whose rows are of another width or kind than most."""
    by_space: dict[Modality, dict[FeatureSpace, list[Row]]] = {modality: defaultdict(list) for modality in Modality}
    read: dict[tuple[int, int], dict[Modality, FeatureSpace] | Message] = {}
    for row in rows:
        file = stats[row.number].st_dev, stats[row.number].st_ino
        if file not in read:
            read[file] = _read_spaces(find_spelling(folder / row["features"]))
        spaces = read[file]
        if isinstance(spaces, Message):
            yield row_problem(row, ProblemKind.FEATURES, "features", spaces)
            continue
        for modality, space in spaces.items():
            by_space[modality][space].append(row)
    for modality, groups in by_space.items():
        usual = max(groups, key=lambda space: len(groups[space]), default=None)
        for space, unlike_rows in groups.items():
            if usual is None or space == usual:
                continue
            message = messages.OTHER_SPACE(
                modality=MODALITY_NAMES[modality](),
                space=_describe(space),
                n=len(groups[usual]),
                usual=_describe(usual),
            )
            yield from (row_problem(row, ProblemKind.FEATURES, "features", message) for row in unlike_rows)


def _read_spaces(path: Path) -> dict[Modality, FeatureSpace] | Message:
    try:
        return feature_spaces(path)
    except FerPhqError as error:
        return error.message


def _describe(space: FeatureSpace) -> Message:
    if not space.kind:
        return messages.SPACE(width=space.width)
    return messages.SPACE_OF_KIND(width=space.width, kind=space.kind)
