"""Label files of DAIC-WOZ and E-DAIC: a participant's PHQ-8 total, class, gender and answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_phq.core.csv_input import Column, OtherColumns, Row, TableFormat, Wording, parse_whole, read_table
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from fer_phq.core.phq import Scale
from training.phq.data import messages
from training.phq.data.sessions import items_fit

ITEMS = ("NoInterest", "Depressed", "Sleep", "Tired", "Appetite", "Failure", "Concentrating", "Moving")
"""The eight answers, as the label files' columns name them after `PHQ8_`."""
PHQ8_CUT = 10
"""Totals from here on are the corpora's positive class."""
ANSWERS = tuple(f"phq8_{item.lower()}" for item in ITEMS)
FORMAT = TableFormat(
    (
        Column("participant_id"),
        Column("phq8_score", ("phq_score", "phq_8total")),
        Column("phq8_binary", ("phq_binary",)),
        Column("gender"),
        *(Column(answer, (answer.replace("phq8_", "phq_8"),)) for answer in ANSWERS),
    ),
    OtherColumns.IGNORED,
    wording=Wording(empty=messages.EMPTY_LABEL_FILE, no_rows=None),
)


@dataclass(frozen=True)
class Label:
    """A row of a label file.

    Attributes:
        participant: The participant's number.
        split: The part whose file it is; '' for a file of all participants' answers.
        score: The PHQ-8 total; None where it is missing or no whole number.
        gender: As the file writes it.
        items: The answers, where the file gives all of them and they sum to the score.
        warning: What is wrong with the row although it is used, or None.
    """

    participant: str
    split: str
    score: int | None
    gender: str
    items: tuple[int, ...] = ()
    warning: Message | None = None


def read_labels(path: Path, split: str, scored: bool) -> Iterator[Label]:
    """Read a label file.

    Names of columns differ between the corpora's files: PHQ8_Score, PHQ_Score or PHQ_8Total, participant_ID in any
    case.

    Args:
        path: The file.
        split: The part that it labels.
        scored: Whether it must have a column of totals.

    Raises:
        FerPhqError: The file cannot be read, lacks a column, or a row does not fit its heading or names no
            participant.
    """
    try:
        table = read_table(path.read_bytes(), FORMAT)
    except OSError as error:
        raise FerPhqError(messages.LABELS_UNREADABLE(path=str(path), reason=error.strerror or str(error))) from None
    if table.problems:
        reason = table.problems[0].message_with_place
        raise FerPhqError(messages.LABELS_UNUSABLE(path=str(path), reason=reason))
    if "participant_id" not in table.labels:
        raise FerPhqError(messages.NO_PARTICIPANT_COLUMN(path=str(path), columns=table.heading))
    if scored and "phq8_score" not in table.labels:
        raise FerPhqError(messages.NO_SCORE_COLUMN(path=str(path), columns=table.heading))
    for row in table.rows:
        if row["participant_id"]:
            yield _label(row, path, split)


def _label(row: Row, path: Path, split: str) -> Label:
    """Make the label of a row. Raises FerPhqError for a participant that is no number."""
    participant = parse_whole(row["participant_id"])
    if participant is None:
        raise FerPhqError(messages.NO_PARTICIPANT(path=str(path), cell=row["participant_id"], row=row.number))
    total = parse_whole(row["phq8_score"])
    warning = None
    if total is None and row["phq8_score"]:
        warning = messages.NO_WHOLE_SCORE(file=path.name, cell=row["phq8_score"])
    elif total is not None and row["phq8_binary"] and parse_whole(row["phq8_binary"]) != int(total >= PHQ8_CUT):
        warning = messages.OTHER_CLASS(file=path.name, score=total, label=row["phq8_binary"])
    items = _answers([parse_whole(row[answer]) for answer in ANSWERS], total)
    return Label(str(participant), split, total, row["gender"], items, warning)


def _answers(items: Sequence[int | None], total: int | None) -> tuple[int, ...]:
    """Return the answers, or () where one is missing or they are not those of the total."""
    answers = [item for item in items if item is not None]
    return tuple(answers) if total is not None and items_fit(answers, Scale.PHQ8, total) else ()
