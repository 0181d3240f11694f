"""The manifest: a CSV of labelled sessions, read whole and checked before anything is computed.

    subject_id,scale,score,recording,recorded_at,sex
    s01,PHQ-8,7,videos/s01.mp4,2024-05-03T14:30,female

UTF-8, separated by commas, semicolons or tabs. Columns:

    subject_id, scale, score      who, PHQ-8 or PHQ-9, and the questionnaire's integer total: in every row
    recording | features          the session's recording, or its features file (`fer_phq.features`): one a row
    recorded_at                   when, ISO 8601 (UTC where no zone is named)
    split                         train, dev or test
    transcript, audio, speaker    files beside the recording, and whose turns of the transcript are the subject's
    item_1 ... item_8 (item_9)    the questionnaire's answers, 0 to 3, whose sum is the score: all of a row's, or none

Any other column is a group (sex, age, language, ...). Paths are relative to the manifest's folder. All that is wrong is
told at once, row by row as a spreadsheet counts them (the header is row 1).
"""

from __future__ import annotations

import csv
import filecmp
import hashlib
import io
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Modality, Scale
from training.phq.data.sessions import FeatureSpace, LabelledSession, SourceKind, feature_spaces

REQUIRED = ("subject_id", "scale", "score")
SOURCES = ("recording", "features")
FILES = (*SOURCES, "transcript", "audio")
ITEMS = tuple(f"item_{number}" for number in range(1, Scale.PHQ9.items + 1))
KNOWN = (*REQUIRED, *SOURCES, "recorded_at", "split", "transcript", "audio", "speaker", *ITEMS)
SPLITS: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "development": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "test",
    "testing": "test",
}
"""The parts a session may belong to, under the names that people give them."""

SHOWN = 20
"""Problems of each kind that a report writes out; the others are counted."""
MAX_BYTES = 256 << 20
"""Largest manifest; a larger file is something else, such as the recording itself."""
SAMPLE_BYTES = 64 << 10
COMPARED_BYTES = 64 << 20
"""Files of one size are the same when they agree in their first and last 64 KiB and, up to 64 MiB, in every byte."""


class Trouble(StrEnum):
    """What kind a problem is: the heading under which a report lists it."""

    WHOLE = "The manifest as a whole"
    COLUMN = "Columns"
    ROW = "Rows that do not fit the header"
    EMPTY = "Empty cells"
    SCALE = "Scales"
    SCORE = "Scores"
    CELL = "Other cells"
    FILE = "Files"
    SUBJECTS = "One recording under several subjects or scores"
    DUPLICATE = "Duplicate rows"
    FEATURES = "Features files"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. row: as a spreadsheet counts, or None where it concerns the whole manifest."""

    row: int | None
    column: str
    text: str
    trouble: Trouble

    def __str__(self) -> str:
        where = [f"row {self.row}"] if self.row is not None else []
        return (
            ", ".join(where + ([self.column] if self.column else []))
            + (": " if where or self.column else "")
            + self.text
        )


class ManifestError(FerPhqError):
    """A manifest cannot be used. Its text is the whole report; its first line is the summary."""

    def __init__(self, report: str, problems: Sequence[Problem]) -> None:
        super().__init__(report)
        self.problems = tuple(problems)


@dataclass(frozen=True)
class ManifestReading:
    """The sessions of a manifest in its order. problems: why `skipped` rows were left out; empty without skip_bad."""

    sessions: tuple[LabelledSession, ...]
    problems: tuple[Problem, ...] = ()
    skipped: int = 0

    @property
    def scale(self) -> Scale:
        """The one scale of all sessions."""
        return self.sessions[0].scale


@dataclass(frozen=True)
class _Row:
    """A record: its number, and its cells by column, stripped."""

    number: int
    cells: Mapping[str, str]

    def get(self, column: str) -> str:
        return self.cells.get(column, "")

    @property
    def source(self) -> str:
        """The column that names this row's features: features, recording, or nothing."""
        return next((column for column in SOURCES if self.get(column)), "")

    def problem(self, trouble: Trouble, column: str, text: str) -> Problem:
        return Problem(self.number, column, text, trouble)


def read_manifest(path: Path, skip_bad: bool = False, for_training: bool = True) -> ManifestReading:
    """Read and check a manifest; no recording is opened and of features files only the headers.

    skip_bad: leaves out the rows that have problems and counts them; what concerns the whole manifest (its columns,
    mixed scales, one subject, equal scores) still ends it. One subject and equal scores are no problem unless it is
    `for_training`. Raises ManifestError with every problem there is.
    """
    records = _records(path, _text(path))
    header = next((cells for _, cells in records if any(cells)), None)
    if header is None:
        raise _unusable(path, "it is empty: a header and a row for each session are expected")
    names = [_normal(name) for name in header]
    rows, problems = _rows(names, [record for record in records if any(record[1])][1:])
    problems += _column_problems(names, rows)
    if not rows and not problems:
        raise _unusable(path, "it holds a header and no rows")
    has = [column for column in KNOWN if column in names]
    needed = [*REQUIRED, *(["split"] if any(row.get("split") for row in rows) else [])]
    for row in rows:
        problems += _cell_problems(row, has, needed)
    problems += _file_problems(path.parent, rows)
    bad = {problem.row for problem in problems}
    used = [row for row in rows if not skip_bad or row.number not in bad]
    problems += _whole_problems(used, has, skip_bad, for_training)
    fatal = any(problem.row is None for problem in problems)
    if fatal or (problems and not skip_bad):
        broken = any("\n" in cell or "\r" in cell for _, cells in records for cell in cells)
        raise _error(path, problems, len(rows), skip_bad, broken)
    sessions = tuple(_session(row, path.parent) for row in rows if row.number not in bad)
    return ManifestReading(sessions, tuple(problems), len(rows) - len(sessions))


def problem_lines(problems: Iterable[Problem]) -> list[str]:
    """Problems under their headings, each with its count; of each kind the first 20 are written out."""
    kinds: dict[Trouble, list[Problem]] = {trouble: [] for trouble in Trouble}
    for problem in problems:
        kinds[problem.trouble].append(problem)
    lines = []
    for trouble, found in kinds.items():
        found.sort(key=lambda problem: problem.row or 0)
        if found:
            lines += [f"{trouble} ({len(found)}):", *(f"  {problem}" for problem in found[:SHOWN])]
        if len(found) > SHOWN:
            lines.append(f"  and {len(found) - SHOWN} more")
    return lines


def _error(path: Path, problems: Sequence[Problem], total: int, skip_bad: bool, broken: bool = False) -> ManifestError:
    """The report of everything. broken: some cells hold line breaks, so that rows are not the file's lines."""
    bad = len({problem.row for problem in problems if problem.row is not None})
    whole = any(problem.row is None for problem in problems)
    where = f" in {bad} of {_count(total, 'row')}" if bad else ""
    lines = [
        f"The manifest {path} cannot be used: {_count(len(problems), 'problem')}{where}.",
        *problem_lines(problems),
    ]
    if broken:
        lines.append("Rows are records, as a spreadsheet counts them: some cells hold line breaks.")
    if bad and not whole and bad < total and not skip_bad:
        lines.append(f"--skip-bad leaves out {_count(bad, 'row')} and uses the other {total - bad}.")
    return ManifestError("\n".join(lines), problems)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def _unusable(path: Path, text: str) -> ManifestError:
    """The report, in one sentence, of a file whose rows cannot be read at all."""
    return ManifestError(f"The manifest {path} cannot be used: {text}.", [_whole(text)])


def _whole(text: str, trouble: Trouble = Trouble.WHOLE, column: str = "") -> Problem:
    return Problem(None, column, text, trouble)


# The file


def _text(path: Path) -> str:
    """The file's text without a byte order mark. Raises ManifestError in one sentence for what is no text."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _unusable(path, f"it is larger than {MAX_BYTES >> 20} MiB, so it is no manifest")
        content = path.read_bytes()
    except OSError as error:
        raise _unusable(path, f"it cannot be read: {error.strerror}") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unusable(path, "it is UTF-16: save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        said = f"byte 0x{content[error.start]:02X} in line {line} is not UTF-8: save the file as UTF-8"
        raise _unusable(path, said) from None
    if (null := text.find("\0")) >= 0:
        said = f"line {text.count(chr(10), 0, null) + 1} holds a NUL byte: it is no text, or it is damaged"
        raise _unusable(path, said)
    return text


def _records(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """Every record with its number from 1, cells stripped. Raises ManifestError where the quotes do not close."""
    records: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            records.append((number, [cell.strip() for cell in cells]))
    except csv.Error as error:
        said = f"row {len(records) + 1} is no CSV ({error}): a quote is missing or one too many"
        raise _unusable(path, said) from None
    return records


def _delimiter(text: str) -> str:
    """Of comma, semicolon and tab the one under which the header holds most of our columns, then most columns."""

    def columns(delimiter: str) -> tuple[int, int]:
        try:
            records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            header = next((cells for cells in records if any(cell.strip() for cell in cells)), [])
        except csv.Error:
            return 0, 0
        names = {_normal(name) for name in header if name.strip(",;\t ")}
        return len(names & set(KNOWN)), len(names)

    return max((",", ";", "\t"), key=columns)


def _normal(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _rows(names: list[str], records: list[tuple[int, list[str]]]) -> tuple[list[_Row], list[Problem]]:
    """Records as rows; a record with more or fewer cells than the header is a problem."""
    rows = []
    problems = []
    for number, cells in records:
        row = _Row(number, dict(zip(names, cells, strict=False)))
        rows.append(row)
        if len(cells) < len(names) or any(cells[len(names) :]):
            said = f"it has {len(cells)} cells where the header has {len(names)}"
            problems.append(row.problem(Trouble.ROW, "", said))
    return rows, problems


# Columns


def _column_problems(names: list[str], rows: list[_Row]) -> Iterator[Problem]:
    """Columns that are missing, misspelt, without a name, or there twice."""
    for name, count in Counter(names).items():
        if count > 1 and name:
            yield _whole(f"{count} columns have this name", Trouble.COLUMN, name)
    if any(row.get("") for row in rows):
        yield _whole(f"column {names.index('') + 1} holds values and has no name", Trouble.COLUMN)
    for name in names:
        if meant := _meant(name):
            yield _whole(f"no column we know, probably {meant} misspelt: rename it", Trouble.COLUMN, name)
    for name in REQUIRED:
        if name not in names:
            yield _whole("this column is missing", Trouble.COLUMN, name)
    if not set(SOURCES) & set(names):
        yield _whole("one of these columns is needed, both are missing", Trouble.COLUMN, " or ".join(SOURCES))


def _meant(name: str) -> str | None:
    """The column that a name is likely to be a misspelling of."""
    if name in KNOWN or not name:
        return None
    bare = name.replace("_", "")
    for known in KNOWN:
        if _one_edit(name, known) or _one_edit(bare, known.replace("_", "")) or known.startswith(f"{name}_"):
            return known
    return None


def _one_edit(a: str, b: str) -> bool:
    """Whether at most one letter is added, left out, changed, or swapped with its neighbour."""
    if len(a) > len(b):
        a, b = b, a
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    rest = a[start:]
    other = b[start:]
    if len(a) < len(b):
        return rest == other[1:]
    return rest[1:] == other[1:] or (rest[2:] == other[2:] and rest[:2] == other[1::-1])


# Cells


def _cell_problems(row: _Row, has: Sequence[str], needed: Sequence[str]) -> Iterator[Problem]:
    """What is wrong with a row's cells, its files apart. needed: the columns that every row must fill."""
    for column in needed:
        if column in has and not row.get(column):
            yield row.problem(Trouble.EMPTY, column, "it is empty")
    sources = [column for column in SOURCES if column in has]
    filled = [column for column in sources if row.get(column)]
    if sources and not filled:
        yield row.problem(Trouble.EMPTY, " or ".join(sources), "it is empty")
    if len(filled) > 1:
        yield row.problem(Trouble.CELL, "features", "the row names a recording and a features file: keep one")
    scale = _scale(row.get("scale"))
    if row.get("scale") and scale is None:
        yield row.problem(Trouble.SCALE, "scale", f"{_shown(row.get('scale'))} is neither PHQ-8 nor PHQ-9")
    if row.get("score"):
        yield from _score_problems(row, scale)
    if any(row.get(item) for item in ITEMS):
        yield from _item_problems(row, scale)
    if row.get("recorded_at") and _time(row.get("recorded_at")) is None:
        said = f"{_shown(row.get('recorded_at'))} is no ISO 8601 time such as 2024-05-03T14:30"
        yield row.problem(Trouble.CELL, "recorded_at", said)
    if row.get("split") and row.get("split").lower() not in SPLITS:
        yield row.problem(Trouble.CELL, "split", f"{_shown(row.get('split'))} is none of train, dev, test")


def _score_problems(row: _Row, scale: Scale | None) -> Iterator[Problem]:
    cell = row.get("score")
    score = _score(row.get("score"))
    highest = scale or Scale.PHQ9
    if score is None:
        yield row.problem(Trouble.SCORE, "score", f"{_shown(cell)} is not an integer")
    elif not 0 <= score <= highest.maximum:
        yield row.problem(Trouble.SCORE, "score", f"{_shown(cell)} is outside {highest}'s 0 to {highest.maximum}")


def _item_problems(row: _Row, scale: Scale | None) -> Iterator[Problem]:
    """Answers that are none, that are missing beside others, or that do not sum to the score."""
    asked = ITEMS[: (scale or Scale.PHQ9).items]
    answers = [_score(row.get(item)) for item in asked]
    for item in ITEMS:
        if row.get(item) and item not in asked:
            yield row.problem(Trouble.SCORE, item, f"{scale} has {len(asked)} items")
        elif row.get(item) and _score(row.get(item)) not in (0, 1, 2, 3):
            yield row.problem(Trouble.SCORE, item, f"{_shown(row.get(item))} is no answer: 0, 1, 2 or 3")
    if scale is None:
        return  # which items there should be is not known
    if missing := [item for item in asked if not row.get(item)]:
        said = (
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} empty beside other answers: give all or none"
        )
        yield row.problem(Trouble.EMPTY, missing[0], said)
    elif None not in answers and _score(row.get("score")) is not None:
        total = sum(answer for answer in answers if answer is not None)
        if total != _score(row.get("score")):
            yield row.problem(Trouble.SCORE, "score", f"it is {row.get('score')}, the answers sum to {total}")


def _scale(cell: str) -> Scale | None:
    """PHQ-8, phq8, PHQ 8, ... to the scale; None for anything else."""
    bare = re.sub(r"[\s_\-\u2010-\u2015]", "", cell).upper()
    return next((scale for scale in Scale if bare == scale.replace("-", "")), None)


def _score(cell: str) -> int | None:
    """An integer; spreadsheets and data frames write it with a zero fraction, 12.0, where a column has gaps."""
    return int(cell.split(".")[0]) if re.fullmatch(r"[+-]?[0-9]{1,18}(\.0+)?", cell) else None


def _time(cell: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)  # a list of both kinds could not be sorted


def _shown(cell: str) -> str:
    """A cell for one line of a report."""
    line = "".join(letter if letter.isprintable() else " " for letter in cell)
    return f"'{line}'" if len(line) <= 60 else f"'{line[:57]}...'"


# Files


def _file_problems(folder: Path, rows: Sequence[_Row]) -> list[Problem]:
    """Files that are not there, the same one twice, and features files that cannot be used or unlike the others."""
    problems = []
    found = {}
    for row in rows:
        for column in FILES:
            if not row.get(column):
                continue
            stat = _stat(os.path.join(folder, row.get(column)))
            if isinstance(stat, str):
                problems.append(row.problem(Trouble.FILE, column, f"{_shown(row.get(column))} {stat}"))
            elif column == row.source:
                found[row.number] = stat
    there = [row for row in rows if row.number in found]
    problems += _repeated(folder, there, found)
    problems += _features_problems(folder, [row for row in there if row.source == "features"], found)
    return problems


def _stat(path: str) -> os.stat_result | str:
    """A file's status, or what is wrong with it."""
    try:
        stat = os.stat(path)
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be opened: {error.strerror}"
    if os.path.isdir(path):
        return "is a folder, not a file"
    if not os.path.isfile(path):
        return "is no regular file"
    if not stat.st_size:
        return "is empty"
    return stat if os.access(path, os.R_OK) else "may not be read"


def _repeated(folder: Path, rows: Sequence[_Row], stats: Mapping[int, os.stat_result]) -> Iterator[Problem]:
    """Rows whose recording or features file is another row's too: by name, by link, or by what it holds."""
    files: dict[tuple[int, int], list[_Row]] = defaultdict(list)
    for row in rows:
        files[stats[row.number].st_dev, stats[row.number].st_ino].append(row)
    for same in _same_content(folder, list(files.values()), stats):
        conflict = next((c for c in ("subject_id", "score") if len({row.get(c) for row in same}) > 1), None)
        if conflict:
            yield from _conflicts(same, conflict)
            continue
        for row in same[1:]:
            said = f"{_shown(row.get(row.source))} is the same file as row {same[0].number}'s"
            yield row.problem(Trouble.DUPLICATE, row.source, said)


def _conflicts(same: Sequence[_Row], column: str) -> Iterator[Problem]:
    """Rows of one file that disagree in a column: nobody can tell which is right."""
    first = same[0]
    second = next(row for row in same if row.get(column) != first.get(column))
    for row in same:
        other = second if row.get(column) == first.get(column) else first
        said = f"the same file as row {other.number}'s, there {column} {_shown(other.get(column))}"
        yield row.problem(Trouble.SUBJECTS, row.source, f"{_shown(row.get(row.source))} is {said}")


def _same_content(folder: Path, files: list[list[_Row]], stats: Mapping[int, os.stat_result]) -> Iterator[list[_Row]]:
    """Groups of two rows or more that hold the same; `files` are the rows of each file on the disk."""
    sizes: dict[int, list[list[_Row]]] = defaultdict(list)
    for rows in files:
        sizes[stats[rows[0].number].st_size].append(rows)
    for size, alike in sizes.items():
        groups: dict[bytes, list[list[_Row]]] = defaultdict(list)
        for rows in alike:
            path = os.path.join(folder, rows[0].get(rows[0].source))
            group = groups[_sample(path, size) if len(alike) > 1 else b""]
            for known in group:
                other = os.path.join(folder, known[0].get(known[0].source))
                if size <= 2 * SAMPLE_BYTES or size > COMPARED_BYTES or filecmp.cmp(path, other, shallow=False):
                    known.extend(rows)
                    break
            else:
                group.append(list(rows))
        yield from (sorted(rows, key=lambda row: row.number) for g in groups.values() for rows in g if len(rows) > 1)


def _sample(path: str, size: int) -> bytes:
    """A digest of a file's first and last 64 KiB (the end of a .npz holds a checksum of each array)."""
    try:
        with open(path, "rb") as file:
            start = file.read(SAMPLE_BYTES)
            file.seek(max(len(start), size - SAMPLE_BYTES))
            return hashlib.sha1(start + file.read(SAMPLE_BYTES), usedforsecurity=False).digest()
    except OSError:
        return path.encode(errors="surrogateescape")  # unlike every other: what cannot be read is told elsewhere


def _features_problems(folder: Path, rows: Sequence[_Row], stats: Mapping[int, os.stat_result]) -> Iterator[Problem]:
    """Features files that cannot be used, or whose rows are of another width or kind than most."""
    spaces: dict[Modality, dict[FeatureSpace, list[_Row]]] = {modality: defaultdict(list) for modality in Modality}
    known: dict[tuple[int, int], dict[Modality, FeatureSpace] | str] = {}
    for row in rows:
        file = stats[row.number].st_dev, stats[row.number].st_ino
        if file not in known:
            known[file] = _spaces(folder / row.get("features"))
        held = known[file]
        if isinstance(held, str):
            yield row.problem(Trouble.FEATURES, "features", held)
            continue
        for modality, space in held.items():
            spaces[modality][space].append(row)
    for modality, groups in spaces.items():
        usual = max(groups, key=lambda space: len(groups[space]), default=None)
        for space, others in groups.items():
            for row in others if space != usual else ():
                said = f"the {modality} has {space}, in {_count(len(groups[usual]), 'row')} it has {usual}"  # type: ignore[index]
                yield row.problem(Trouble.FEATURES, "features", said)


def _spaces(path: Path) -> dict[Modality, FeatureSpace] | str:
    try:
        return feature_spaces(path)
    except FerPhqError as error:
        return str(error).removesuffix(".")


# The whole


def _whole_problems(rows: Sequence[_Row], has: Sequence[str], skip_bad: bool, for_training: bool) -> Iterator[Problem]:
    """What no row can be blamed for. rows: those that will be used."""
    left = " that is left" if skip_bad else ""
    if not rows:
        yield _whole("no row is left once those with problems are left out")
    scales: dict[Scale, list[int]] = defaultdict(list)
    for row in rows:
        if scale := _scale(row.get("scale")):
            scales[scale].append(row.number)
    if len(scales) > 1:
        counts = " and ".join(
            f"{scale} in {_count(len(of), 'row')} (the first is row {of[0]})" for scale, of in scales.items()
        )
        yield _whole(f"it mixes {counts}: one manifest has one scale", column="scale")
    if for_training:
        yield from _nothing_to_learn(rows, left)
    if "split" in has:
        yield from _split_problems(rows)


def _nothing_to_learn(rows: Sequence[_Row], left: str) -> Iterator[Problem]:
    """One subject, or one score."""
    subjects = {row.get("subject_id") for row in rows}
    if len(subjects) == 1 and subjects != {""}:
        yield _whole(f"every row{left} is of the one subject {_shown(*subjects)}", column="subject_id")
    scores = {_score(row.get("score")) for row in rows}
    if len(scores) == 1 and scores != {None}:
        yield _whole(f"every row{left} has the score {next(iter(scores))}: nothing can be learnt", column="score")


def _split_problems(rows: Sequence[_Row]) -> Iterator[Problem]:
    """Subjects in several parts: what is learnt of them in one would be tested in another."""
    parts: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if split := SPLITS.get(row.get("split").lower()):
            parts[row.get("subject_id")].add(split)
    for subject, found in parts.items():
        if len(found) > 1:
            said = f"the subject {_shown(subject)} is in {' and '.join(sorted(found))}: a subject belongs to one part"
            yield _whole(said, column="split")


def _session(row: _Row, folder: Path) -> LabelledSession:
    """A row without problems as a session."""

    def file(column: str) -> Path | None:
        return folder / row.get(column) if row.get(column) else None

    scale = _scale(row.get("scale"))
    score = _score(row.get("score"))
    assert scale is not None
    assert score is not None
    return LabelledSession(
        name=f"row {row.number} ({row.get(row.source)})",
        subject_id=row.get("subject_id"),
        scale=scale,
        score=float(score),
        kind=SourceKind(row.source),
        path=folder / row.get(row.source),
        recorded_at=_time(row.get("recorded_at")) if row.get("recorded_at") else None,
        split=SPLITS.get(row.get("split").lower()),
        transcript=file("transcript"),
        audio=file("audio"),
        speaker=row.get("speaker") or None,
        groups={name: cell for name, cell in row.cells.items() if name and name not in KNOWN and cell},
        items=tuple(int(float(row.get(item))) for item in ITEMS if row.get(item)),
    )
