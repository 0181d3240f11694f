"""Table of questionnaires: the items of each, checked as a whole before any questionnaire is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from db.records import QuestionnaireRecord, QuestionnaireSource, is_difficulty_new
from db.store import Store
from fer_phq.core.csv_input import Column, Problem, TableFormat, parse_whole, read_table
from fer_phq.core.messages import Message
from fer_phq.core.phq import Scale, asks_difficulty, parse_scale, score_items
from service.ingest import messages
from service.ingest.session_csv import MAX_BYTES, MAX_ROWS, SUBJECT, RowReader, session_time, subject_label

ITEM_COLUMNS = tuple(f"item_{number}" for number in range(1, 10))
COLUMNS = (
    SUBJECT,
    Column("scale", required=True),
    Column("answered_at", required=True),
    *(Column(name, (name.replace("_", ""),), required=name != "item_9") for name in ITEM_COLUMNS),
    Column("difficulty"),
)
VALUES = (0, 1, 2, 3)
EXAMPLE = """subject_id,scale,answered_at,item_1,item_2,item_3,item_4,item_5,item_6,item_7,item_8,item_9,difficulty
P01,PHQ-9,2026-11-03,1,2,1,2,0,1,1,0,0,1
P02,PHQ-8,2026-11-04 09:30,0,1,1,0,0,0,1,0,,
"""


@dataclass(frozen=True)
class QuestionnaireRow:
    """One questionnaire of a table.

    Attributes:
        row: The row's number.
        subject: The subject's label.
        scale: PHQ-8 or PHQ-9.
        answered_at: When it was answered.
        items: The answers, 0 to 3, as many as the scale has.
        difficulty: The answer to the form's last question, 0 to 3; None where it was not answered.
    """

    row: int
    subject: str
    scale: Scale
    answered_at: datetime
    items: tuple[int, ...]
    difficulty: int | None = None


@dataclass(frozen=True)
class QuestionnaireTable:
    """Questionnaires of a table and everything that is wrong with it. It may be stored when there are no problems.

    Attributes:
        rows: The questionnaires.
        problems: What is wrong.
        warnings: What a person must see and confirm before the table is stored.
    """

    rows: tuple[QuestionnaireRow, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Message, ...] = ()


@dataclass(frozen=True)
class ImportResult:
    """What an import changed.

    Attributes:
        stored: Questionnaires that were not in the store.
        existing: Those that were there already.
        item9: Stored ones whose answer to item 9 a person must see.
        corrected: Existing ones whose difficulty was corrected.
    """

    stored: int
    existing: int
    item9: int
    corrected: int


def read_questionnaire_table(document: bytes, *, zone: tzinfo, now: datetime) -> QuestionnaireTable:
    """Read a table with the columns of `COLUMNS`; item_9 is empty for a PHQ-8, difficulty where it was not answered.

    Numbers may be written as data frames do, 1.0. Survey tools may code the four answers as 1 to 4: a table with a 4
    and no 0 has that as its problem, one without 4 and 0 a warning.

    Args:
        document: The CSV file's bytes.
        zone: Zone of dates without an offset.
        now: Dates after it are problems.

    Returns:
        The rows without problems, and all problems in the order of the rows.
    """
    table = read_table(document, TableFormat(COLUMNS, max_bytes=MAX_BYTES, max_rows=MAX_ROWS))
    problems = list(table.problems)
    rows: list[QuestionnaireRow] = []
    first_rows: dict[QuestionnaireRow, QuestionnaireRow] = {}
    for row in table.sound_rows:
        reader = RowReader(row)
        questionnaire = _questionnaire_row(reader, zone, now)
        if questionnaire is not None:
            first = first_rows.setdefault(replace(questionnaire, row=0, difficulty=None), questionnaire)
            if first is questionnaire:
                rows.append(questionnaire)
            else:
                reader.add("", _repeated(questionnaire, first))
        problems += reader.problems
    answers = {parse_whole(row[column]) for row in table.sound_rows for column in ITEM_COLUMNS if row[column]}
    if answers == {1, 2, 3, 4} or (answers <= {1, 2, 3, 4} and 4 in answers):
        problems.append(Problem(None, "", messages.CODED_FROM_1()))
    is_without_zero = bool(rows) and not problems and all(min(row.items) > 0 for row in rows)
    warnings = (messages.NO_ZERO(),) if is_without_zero else ()
    return QuestionnaireTable(tuple(rows), tuple(sorted(problems)), warnings)


def import_questionnaires(store: Store, rows: Sequence[QuestionnaireRow], *, by: str) -> ImportResult:
    """Store questionnaires, each marked as imported.

    One that is there already (same subject, scale, time and items) is left as it is. Where the table has another
    difficulty of it than was stored before, this is a correction.

    Args:
        store: Where they go.
        rows: The rows of a table without problems.
        by: Who imports them, for the audit.

    Returns:
        How many were stored, there already, flagged and corrected.
    """
    stored = existing = item9 = corrected = 0
    for row in rows:
        subject = store.subjects.get_or_create(label=row.subject)
        records = store.questionnaires.list_by_subject(subject_id=subject.id, include_superseded=True)
        same = [record for record in records if record.answers == (row.scale, row.answered_at, row.items)]
        superseded = _to_correct(row, same)
        existing += bool(same)
        if same and superseded is None:
            continue
        record = store.questionnaires.save(
            subject_id=subject.id,
            scale=row.scale,
            items=row.items,
            answered_at=row.answered_at,
            difficulty=row.difficulty,
            source=QuestionnaireSource.IMPORTED,
            supersedes_id=superseded.id if superseded else None,
            by=by,
        )
        stored += superseded is None
        corrected += superseded is not None
        item9 += record.item9_flag and record.acknowledged_at is None
    return ImportResult(stored, existing, item9, corrected)


def _to_correct(row: QuestionnaireRow, same: Sequence[QuestionnaireRecord]) -> QuestionnaireRecord | None:
    """Find the questionnaire, of those with these items, whose difficulty the row corrects; None if stored before."""
    if not is_difficulty_new(row.difficulty, (record.difficulty for record in same)):
        return None
    return next((record for record in same if not record.superseded), None)


def _questionnaire_row(reader: RowReader, zone: tzinfo, now: datetime) -> QuestionnaireRow | None:
    """Read a row's questionnaire; None where a cell has a problem."""
    row = reader.row
    subject = reader.read("subject_id", subject_label)
    answered_at = reader.read("answered_at", lambda cell: session_time(cell, zone, now))
    scale = parse_scale(row["scale"])
    if scale is None:
        reader.add("scale", messages.UNKNOWN_SCALE(scale=row["scale"][:20]))
        return None
    items: list[int] = []
    for column in ITEM_COLUMNS[: scale.items]:
        answer = parse_whole(row[column])
        if answer in VALUES:
            items.append(answer)
        elif row[column]:
            reader.add(column, messages.ITEM_VALUE(column=row.label(column), text=row[column][:20]))
        else:
            reader.add(column, messages.ITEM_EMPTY(column=row.label(column)))
    if scale is Scale.PHQ8 and row["item_9"]:
        reader.add("item_9", messages.ITEM_9_OF_PHQ8(column=row.label("item_9")))
    is_due = len(items) < scale.items or asks_difficulty(items)
    difficulty = _difficulty(reader, is_due)
    if reader.problems or subject is None or answered_at is None:
        return None
    score_items(items, scale)
    return QuestionnaireRow(row.number, subject, scale, answered_at, tuple(items), difficulty)


def _difficulty(reader: RowReader, is_due: bool) -> int | None:
    """Read the answer to the form's last question, where the items lead to it (`is_due`)."""
    cell = reader.row["difficulty"]
    answer = parse_whole(cell)
    if cell and answer not in VALUES:
        reader.add("difficulty", messages.DIFFICULTY_VALUE(text=cell[:20]))
    elif not is_due and answer in VALUES[1:]:
        reader.add("difficulty", messages.NO_DIFFICULTY_QUESTION())
    return answer if is_due and answer in VALUES else None


def _repeated(row: QuestionnaireRow, first: QuestionnaireRow) -> Message:
    template = messages.SAME_AS_ROW if row.difficulty == first.difficulty else messages.SAME_BUT_DIFFICULTY
    return template(row=first.row)
