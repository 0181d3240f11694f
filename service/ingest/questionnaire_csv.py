"""Questionnaires from a table: checked as a whole, each row its items, before anything is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from db.records import QuestionnaireRecord, QuestionnaireSource
from db.store import Store
from fer_phq.core.phq import Scale, asks_difficulty, score_items
from service.ingest.csv_input import Problem, Row, moment, read_table
from service.ingest.session_csv import EARLIEST, subject_label

ITEM_COLUMNS = tuple(f"item{number}" for number in range(1, 10))
COLUMNS = ("subject", "scale", "answered_at", *ITEM_COLUMNS, "difficulty")
REQUIRED = ("subject", "scale", "answered_at", *ITEM_COLUMNS[:8])
VALUES = ("0", "1", "2", "3")
EXAMPLE = """subject,scale,answered_at,item1,item2,item3,item4,item5,item6,item7,item8,item9,difficulty
P01,PHQ-9,2026-11-03,1,2,1,2,0,1,1,0,0,1
P02,PHQ-8,2026-11-04 09:30,0,1,1,0,0,0,1,0,,
"""


@dataclass(frozen=True)
class Answered:
    """One row: who answered which questionnaire when, item by item. difficulty: None where it was not answered."""

    row: int
    subject: str
    scale: Scale
    answered_at: datetime
    items: tuple[int, ...]
    difficulty: int | None = None


@dataclass(frozen=True)
class QuestionnaireTable:
    """Every questionnaire of a table and every problem of it; it may be kept when there is none."""

    answered: tuple[Answered, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Imported:
    """How many questionnaires were kept now, how many were there already, and how many need a person for item 9.

    corrected: of how many that were there the difficulty was corrected.
    """

    kept: int
    there: int
    item9: int
    corrected: int


def read_questionnaire_table(document: bytes, *, zone: tzinfo, now: datetime) -> QuestionnaireTable:
    """Read a table with the columns of `COLUMNS`; item9 is empty for a PHQ-8, difficulty where it was not answered."""
    rows, problems = read_table(document, known=COLUMNS, required=REQUIRED)
    found = list(problems)
    answered: list[Answered] = []
    seen: dict[Answered, Answered] = {}
    for row in rows:
        wrong: list[str] = []
        one = _answered(row, zone, now, wrong)
        first = None if one is None else seen.setdefault(_without_row(one), one)
        if one is not None and one is first:
            answered.append(one)
        elif one is not None and first is not None:
            wrong.append(_twice(one, first))
        found += [Problem(row.number, says) for says in wrong]
    return QuestionnaireTable(tuple(answered), tuple(sorted(found)))


def import_questionnaires(store: Store, answered: Sequence[Answered], *, by: str) -> Imported:
    """Keep them, each marked as imported; one that is there already (same subject, scale, time and items) is left.

    Where the table says another difficulty of it than has been said before, this is a correction.
    """
    kept = there = item9 = corrected = 0
    for one in answered:
        subject = store.get_or_create_subject(label=one.subject)
        old = store.list_questionnaires(subject_id=subject.id, include_superseded=True)
        same = [q for q in old if (q.scale, q.answered_at, q.items) == (one.scale, one.answered_at, one.items)]
        before = _to_correct(one, same)
        there += bool(same)
        if same and before is None:
            continue
        saved = store.save_questionnaire(
            subject_id=subject.id,
            scale=one.scale,
            items=one.items,
            answered_at=one.answered_at,
            difficulty=one.difficulty,
            source=QuestionnaireSource.IMPORTED,
            supersedes_id=before.id if before else None,
            by=by,
        )
        kept = kept + (before is None)
        corrected = corrected + (before is not None)
        item9 += saved.item9_flag and saved.acknowledged_at is None
    return Imported(kept, there, item9, corrected)


def _to_correct(one: Answered, same: Sequence[QuestionnaireRecord]) -> QuestionnaireRecord | None:
    """The questionnaire, of those with these items, whose difficulty this row corrects; one said before is left."""
    if one.difficulty is None or any(record.difficulty == one.difficulty for record in same):
        return None
    return next((record for record in same if not record.superseded), None)


def _answered(row: Row, zone: tzinfo, now: datetime, wrong: list[str]) -> Answered | None:
    """A row's questionnaire; what is wrong with it is added to `wrong`."""
    try:
        subject = subject_label(row["subject"])
    except ValueError as error:
        wrong.append(str(error))
        subject = ""
    at = _answered_at(row["answered_at"], zone, now, wrong)
    scale = next((s for s in Scale if s.casefold() == row["scale"].casefold()), None)
    if scale is None:
        wrong.append(f"the scale '{row['scale'][:20]}' is unknown; write PHQ-8 or PHQ-9.")
        return None
    items: list[int] = []
    for column in ITEM_COLUMNS[: scale.items]:
        if row[column] in VALUES:
            items.append(int(row[column]))
        elif row[column]:
            wrong.append(f"{column} is '{row[column][:20]}'; write 0, 1, 2 or 3.")
        else:
            wrong.append(f"{column} is empty; a questionnaire with a gap has no score.")
    if scale is Scale.PHQ8 and row["item9"]:
        wrong.append("a PHQ-8 has no item9; leave it empty, or write PHQ-9.")
    asked = len(items) < scale.items or asks_difficulty(items)
    difficulty = _difficulty(row["difficulty"], asked, wrong)
    if wrong or at is None:
        return None
    score_items(items, scale)
    return Answered(row.number, subject, scale, at, tuple(items), difficulty)


def _difficulty(text: str, asked: bool, wrong: list[str]) -> int | None:
    if text and text not in VALUES:
        wrong.append(f"difficulty is '{text[:20]}'; write 0, 1, 2 or 3, or leave it empty.")
    elif not asked and text in VALUES[1:]:
        wrong.append("difficulty is asked only when an item is above 0; leave it empty.")
    return int(text) if asked and text in VALUES else None


def _answered_at(text: str, zone: tzinfo, now: datetime, wrong: list[str]) -> datetime | None:
    try:
        at = moment(text, zone)
    except ValueError as error:
        wrong.append(str(error))
        return None
    if at > now or at < EARLIEST:
        wrong.append(f"the date '{text[:40]}' lies {'in the future' if at > now else 'before 1990'}.")
        return None
    return at


def _twice(one: Answered, first: Answered) -> str:
    if one.difficulty == first.difficulty:
        return f"it says the same as row {first.row}."
    return f"it says the same as row {first.row}, but for the difficulty; leave one of the two."


def _without_row(one: Answered) -> Answered:
    return Answered(0, one.subject, one.scale, one.answered_at, one.items)
