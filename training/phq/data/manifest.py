"""The manifest: a CSV of labelled sessions, read whole and checked before anything is computed.

    subject_id,scale,score,recording,recorded_at,sex
    s01,PHQ-8,7,videos/s01.mp4,2024-05-03T14:30,female

UTF-8, or UTF-16 with a byte order mark; separated by commas, semicolons or tabs. Columns:

    subject_id, scale, score      who, PHQ-8 or PHQ-9, and the questionnaire's integer total: in every row
    recording | features          the session's recording, or its features file (`fer_phq.features`): one a row
    recorded_at                   when, ISO 8601 (UTC where no zone is named)
    split                         train, dev or test
    transcript, audio, speaker    sidecar files of the recording, and the subject's name in the transcript
    item_1 ... item_8 (item_9)    the questionnaire's answers, 0 to 3, whose sum is the score: all of a row's, or none

`subject` is read as subject_id, and item1 as item_1. Any other column is a group (sex, age, language, ...). Paths are
relative to the manifest's folder. Everything that is wrong is reported at once, row by row as a spreadsheet counts rows
(the header is row 1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from fer_phq.core.csv_input import (
    Column,
    OtherColumns,
    Row,
    Table,
    TableFormat,
    Wording,
    parse_time,
    parse_whole,
    plain_name,
    read_table,
)
from fer_phq.core.messages import Message
from fer_phq.core.paths import find_spelling
from fer_phq.core.phq import Scale, parse_scale
from training.phq.data import messages
from training.phq.data.manifest_files import FILES, SOURCES, check_files, source_column
from training.phq.data.manifest_problems import (
    ManifestProblem,
    ProblemKind,
    report_problems,
    row_problem,
    show_cell,
    unusable,
    whole_problem,
)
from training.phq.data.sessions import LabelledSession, SourceKind

REQUIRED = ("subject_id", "scale", "score")
ITEMS = tuple(f"item_{number}" for number in range(1, Scale.PHQ9.items + 1))
COLUMNS = (
    Column("subject_id", ("subject",), required=True),
    Column("scale", required=True),
    Column("score", required=True),
    *map(Column, (*SOURCES, "recorded_at", "split", "transcript", "audio", "speaker")),
    *(Column(item, (item.replace("_", ""),)) for item in ITEMS),
)
COLUMN_NAMES = tuple(column.name for column in COLUMNS)
FORMAT = TableFormat(
    COLUMNS,
    OtherColumns.INCLUDED,
    short_rows=False,
    wording=Wording(
        empty=messages.EMPTY,
        no_rows=messages.NO_ROWS,
        no_text=messages.NO_TEXT,
        not_utf8=messages.NOT_UTF8,
        not_utf16=messages.NOT_UTF16,
        quotes=messages.NO_CSV,
        long_cell=messages.NO_CSV,
        too_many_cells=messages.CELLS,
        too_few_cells=messages.CELLS,
        repeated_column=messages.REPEATED_COLUMN,
        same_meaning=messages.SAME_MEANING,
        missing_column=messages.MISSING_COLUMN,
    ),
)
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
MAX_BYTES = 256 << 20
"""Largest manifest; a larger file is something else, such as the recording itself."""


@dataclass(frozen=True)
class ManifestReading:
    """What was read of a manifest.

    Attributes:
        sessions: The sessions in the manifest's order.
        problems: Why rows were left out; empty unless bad rows are skipped.
        skipped: How many rows were left out.
    """

    sessions: tuple[LabelledSession, ...]
    problems: tuple[ManifestProblem, ...] = ()
    skipped: int = 0

    @property
    def scale(self) -> Scale:
        """The one scale of all sessions."""
        return self.sessions[0].scale


def read_manifest(path: Path, skip_bad: bool = False, for_training: bool = True) -> ManifestReading:
    """Read and check a manifest. No recording is opened, and of features files only the headers.

    Args:
        path: The manifest.
        skip_bad: Whether to leave out and count the rows that have problems. What concerns the whole manifest (its
            columns, mixed scales, one subject, equal scores) still ends it.
        for_training: Whether one subject and equal scores are problems.

    Raises:
        ManifestError: Something is wrong. The error lists every problem.
    """
    table = _read_table(path)
    rows = table.rows
    problems = [ManifestProblem(None, p.column, p.message, ProblemKind.COLUMN) for p in table.heading_problems]
    problems += _column_problems(table)
    problems += [ManifestProblem(p.row, "", p.message, ProblemKind.ROW) for p in table.row_problems]
    columns = [column for column in COLUMN_NAMES if column in table.labels]
    required = [*REQUIRED, *(["split"] if any(row["split"] for row in rows) else [])]
    for row in rows:
        problems += _cell_problems(row, columns, required)
    problems += check_files(path.parent, rows)
    bad = {problem.row for problem in problems}
    used = [row for row in rows if not skip_bad or row.number not in bad]
    problems += _whole_problems(used, columns, skip_bad, for_training)
    is_fatal = any(problem.row is None for problem in problems)
    if is_fatal or (problems and not skip_bad):
        raise report_problems(path, problems, len(rows), skip_bad, _has_line_breaks(table))
    sessions = tuple(_session(row, path.parent) for row in rows if row.number not in bad)
    return ManifestReading(sessions, tuple(problems), len(rows) - len(sessions))


# The file


def _read_table(path: Path) -> Table:
    """Read the rows. Raises ManifestError in one sentence where there are none."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise unusable(path, messages.TOO_LARGE(mib=MAX_BYTES >> 20))
        document = path.read_bytes()
    except OSError as error:
        raise unusable(path, messages.UNREADABLE(strerror=error.strerror or str(error))) from None
    table = read_table(document, FORMAT)
    if table.fault is not None:
        raise unusable(path, table.fault.message)
    return table


def _has_line_breaks(table: Table) -> bool:
    """Tell whether rows are not the file's lines."""
    cells = (cell for row in table.rows for cell in row.cells.values())
    return any("\n" in cell or "\r" in cell for cell in (*table.heading, *cells))


# Columns


def _column_problems(table: Table) -> Iterator[ManifestProblem]:
    """Find columns without a name or with a misspelt one, and the lack of a column of recordings or features."""
    if table.unnamed is not None:
        yield whole_problem(messages.UNNAMED_COLUMN(number=table.unnamed), ProblemKind.COLUMN)
    for name in map(plain_name, table.heading):
        if column := _misspelt(name):
            yield whole_problem(messages.MISSPELT_COLUMN(column=column), ProblemKind.COLUMN, name)
    if not set(SOURCES) & table.labels.keys():
        yield whole_problem(messages.MISSING_COLUMNS(), ProblemKind.COLUMN, str(_either(SOURCES)))


def _either(columns: Sequence[str]) -> Message:
    first, second = columns
    return messages.EITHER(first=first, second=second)


def _misspelt(name: str) -> str | None:
    """Return the column of which a name is likely to be a misspelling, or None."""
    if name in FORMAT.names or not name:
        return None
    bare = name.replace("_", "")
    for column in COLUMN_NAMES:
        if _one_edit(name, column) or _one_edit(bare, column.replace("_", "")) or column.startswith(f"{name}_"):
            return column
    return None


def _one_edit(a: str, b: str) -> bool:
    """Tell whether at most one letter is added, left out, changed, or swapped with its neighbour."""
    if len(a) > len(b):
        a, b = b, a
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    rest = a[start:]
    other = b[start:]
    if len(a) < len(b):
        return rest == other[1:]
    return rest[1:] == other[1:] or (rest[2:] == other[2:] and rest[:2] == other[1::-1])


# Cells


def _cell_problems(row: Row, columns: Sequence[str], required: Sequence[str]) -> Iterator[ManifestProblem]:
    """Find what is wrong with a row's cells, its files apart."""
    for column in required:
        if column in columns and not row[column]:
            yield row_problem(row, ProblemKind.EMPTY, column, messages.EMPTY_CELL())
    sources = [column for column in SOURCES if column in columns]
    filled = [column for column in sources if row[column]]
    if sources and not filled:
        name = sources[0] if len(sources) == 1 else str(_either(sources))
        yield row_problem(row, ProblemKind.EMPTY, name, messages.EMPTY_CELL())
    if len(filled) > 1:
        yield row_problem(row, ProblemKind.CELL, "features", messages.TWO_SOURCES())
    scale = parse_scale(row["scale"])
    if row["scale"] and scale is None:
        message = messages.UNKNOWN_SCALE(cell=show_cell(row["scale"]))
        yield row_problem(row, ProblemKind.SCALE, "scale", message)
    if row["score"]:
        yield from _score_problems(row, scale)
    if any(row[item] for item in ITEMS):
        yield from _item_problems(row, scale)
    if row["recorded_at"] and parse_time(row["recorded_at"], UTC) is None:
        message = messages.NO_TIME(cell=show_cell(row["recorded_at"]))
        yield row_problem(row, ProblemKind.CELL, "recorded_at", message)
    if row["split"] and row["split"].lower() not in SPLITS:
        yield row_problem(row, ProblemKind.CELL, "split", messages.UNKNOWN_SPLIT(cell=show_cell(row["split"])))


def _score_problems(row: Row, scale: Scale | None) -> Iterator[ManifestProblem]:
    cell = show_cell(row["score"])
    score = parse_whole(row["score"])
    highest = scale or Scale.PHQ9
    if score is None:
        yield row_problem(row, ProblemKind.SCORE, "score", messages.NO_INTEGER(cell=cell))
    elif not 0 <= score <= highest.maximum:
        message = messages.SCORE_RANGE(cell=cell, scale=highest, maximum=highest.maximum)
        yield row_problem(row, ProblemKind.SCORE, "score", message)


def _item_problems(row: Row, scale: Scale | None) -> Iterator[ManifestProblem]:
    """Find answers that are none, that are missing beside others, or that do not sum to the score."""
    expected = ITEMS[: (scale or Scale.PHQ9).items]
    for item in ITEMS:
        if row[item] and item not in expected:
            message = messages.TOO_MANY_ITEMS(scale=str(scale), items=len(expected))
            yield row_problem(row, ProblemKind.SCORE, item, message)
        elif row[item] and parse_whole(row[item]) not in (0, 1, 2, 3):
            yield row_problem(row, ProblemKind.SCORE, item, messages.NO_ANSWER(cell=show_cell(row[item])))
    if scale is None:
        return  # which items there should be is not known
    if missing := [item for item in expected if not row[item]]:
        labels = tuple(row.label(item) for item in missing)
        message = messages.MISSING_ANSWERS(items=labels, n=len(missing))
        yield row_problem(row, ProblemKind.EMPTY, missing[0], message)
        return
    score = parse_whole(row["score"])
    answers = [answer for item in expected if (answer := parse_whole(row[item])) is not None]
    if score is not None and len(answers) == len(expected) and sum(answers) != score:
        message = messages.OTHER_SUM(score=row["score"], total=sum(answers))
        yield row_problem(row, ProblemKind.SCORE, "score", message)


# The whole


def _whole_problems(
    rows: Sequence[Row], columns: Sequence[str], skip_bad: bool, for_training: bool
) -> Iterator[ManifestProblem]:
    """Find what no row can be blamed for, among the rows that will be used."""
    if not rows:
        yield whole_problem(messages.NO_ROW_LEFT())
    scales: dict[Scale, list[int]] = defaultdict(list)
    for row in rows:
        if scale := parse_scale(row["scale"]):
            scales[scale].append(row.number)
    if len(scales) > 1:
        first, second = (
            messages.SCALE_ROWS(scale=scale, n=len(numbers), row=numbers[0]) for scale, numbers in scales.items()
        )
        yield whole_problem(messages.MIXED_SCALES(first=first, second=second), column="scale")
    if for_training:
        yield from _nothing_to_learn(rows, skip_bad)
    if "split" in columns:
        yield from _split_problems(rows)


def _nothing_to_learn(rows: Sequence[Row], skip_bad: bool) -> Iterator[ManifestProblem]:
    """Find that all rows are of one subject, or of one score."""
    subjects = {row["subject_id"] for row in rows}
    if len(subjects) == 1 and subjects != {""}:
        subject_template = messages.ONE_SUBJECT_LEFT if skip_bad else messages.ONE_SUBJECT
        yield whole_problem(subject_template(subject=show_cell(subjects.pop())), column="subject_id")
    scores = {parse_whole(row["score"]) for row in rows}
    score = next(iter(scores), None)
    if len(scores) == 1 and score is not None:
        score_template = messages.ONE_SCORE_LEFT if skip_bad else messages.ONE_SCORE
        yield whole_problem(score_template(score=score), column="score")


def _split_problems(rows: Sequence[Row]) -> Iterator[ManifestProblem]:
    """Find subjects in several parts: what is learnt of them in one would be tested in another."""
    parts_of: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if split := SPLITS.get(row["split"].lower()):
            parts_of[row["subject_id"]].add(split)
    for subject, parts in parts_of.items():
        if len(parts) > 1:
            first, *rest = sorted(parts)
            joined: Message | str = first
            for part in rest:
                joined = messages.BOTH(first=joined, second=part)
            message = messages.SEVERAL_PARTS(subject=show_cell(subject), parts=joined)
            yield whole_problem(message, column="split")


def _session(row: Row, folder: Path) -> LabelledSession:
    """Make the session of a row without problems."""
    paths = {column: find_spelling(folder / row[column]) for column in FILES if row[column]}
    scale = parse_scale(row["scale"])
    score = parse_whole(row["score"])
    assert scale is not None
    assert score is not None
    source = source_column(row)
    return LabelledSession(
        name=f"row {row.number} ({row[source]})",
        subject_id=row["subject_id"],
        scale=scale,
        score=float(score),
        kind=SourceKind(source),
        path=paths[source],
        recorded_at=parse_time(row["recorded_at"], UTC) if row["recorded_at"] else None,
        split=SPLITS.get(row["split"].lower()),
        transcript=paths.get("transcript"),
        audio=paths.get("audio"),
        speaker=row["speaker"] or None,
        groups={name: cell for name, cell in row.cells.items() if name not in COLUMN_NAMES and cell},
        items=tuple(answer for item in ITEMS if (answer := parse_whole(row[item])) is not None),
    )
