"""What two subjects have twice when they turn out to be one person, and which of the two stays.

Nothing here changes a row: it decides, so that a preview and the merging itself say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from db.records import is_difficulty_new
from db.tables import EventRow, NoteRow, QuestionnaireRow, SessionRow

Chain = tuple[QuestionnaireRow, ...]
"""A questionnaire with its corrections, the first one first: its last row is what counts."""
Noted = TypeVar("Noted", EventRow, NoteRow)


@dataclass
class QuestionnaireTwins:
    """What becomes of the questionnaires of two subjects.

    Attributes:
        duplicates: Questionnaires that go, since the other subject has the same or its correction, with their own
            corrections; the rows of both subjects.
        stays: The row that stays for each of these, by the id of the row that goes, where the two say the same.
        corrections: Which row corrects which from now on: id of the source's first row, id of the target's last.
        joined: Number of questionnaires that both had.
        conflicts: Number of questionnaires of the source for which the target has one of the same scale and time with
            other answers: both stay.
    """

    duplicates: list[QuestionnaireRow] = field(default_factory=list)
    stays: dict[str, QuestionnaireRow] = field(default_factory=dict)
    corrections: dict[str, str] = field(default_factory=dict)
    joined: int = 0
    conflicts: int = 0


def pair_questionnaires(source: Sequence[QuestionnaireRow], target: Sequence[QuestionnaireRow]) -> QuestionnaireTwins:
    """Decide about the questionnaires that two subjects both have, by the rule of an import.

    Same scale, time and items are one questionnaire; another difficulty is a correction. Where only one of the two was
    corrected, the corrected one stays.

    Args:
        source: All rows of the subject who goes.
        target: All rows of the subject who stays.
    """
    twins = QuestionnaireTwins()
    chains = _chains(target)
    for chain in _chains(source):
        place = next((index for index, other in enumerate(chains) if _is_same(chain, other)), None)
        if place is not None:
            twins.joined += 1
            chains[place] = _join(twins, chain, chains[place])
        elif any(_form(chain[-1]) == _form(other[-1]) for other in chains):
            twins.conflicts += 1
    return twins


def _join(twins: QuestionnaireTwins, chain: Chain, other: Chain) -> Chain:
    """Note which of two chains of one questionnaire goes, or that one corrects the other. Returns what stays."""
    last = chain[-1]
    same = [row for row in other if answers_of(row) == answers_of(last)]
    if (
        same
        and answers_of(other[-1]) == answers_of(last)
        and is_difficulty_new(last.difficulty, (row.difficulty for row in same))
    ):
        twins.corrections[chain[0].id] = other[-1].id
        twins.stays[other[-1].id] = last
        return (*other, *chain)
    says_the_same = (answers_of(other[-1]), other[-1].difficulty) == (answers_of(last), last.difficulty)
    is_longer = says_the_same and len(chain) > len(other)  # with the history of how it was corrected
    goes, stays = (other, chain) if not same or is_longer else (chain, other)
    twins.duplicates += goes
    for row in goes:
        twin = next((another for another in reversed(stays) if answers_of(another) == answers_of(row)), None)
        if twin is not None:
            twins.stays[row.id] = twin
    return stays


def _chains(rows: Sequence[QuestionnaireRow]) -> list[Chain]:
    """Return every questionnaire with its corrections."""
    successors = {row.supersedes_id: row for row in rows if row.supersedes_id is not None}
    chains = []
    for first in sorted((row for row in rows if row.supersedes_id is None), key=lambda row: (row.created_at, row.id)):
        chain = [first]
        while chain[-1].id in successors:
            chain.append(successors[chain[-1].id])
        chains.append(tuple(chain))
    return chains


def _is_same(chain: Chain, other: Chain) -> bool:
    """Return whether what counts of one is, or was before a correction, what the other says."""
    return answers_of(chain[-1]) in map(answers_of, other) or answers_of(other[-1]) in map(answers_of, chain)


def answers_of(row: QuestionnaireRow) -> tuple[str, datetime, tuple[int, ...]]:
    """Return what makes two questionnaires of a person one: scale, time and items."""
    return row.scale, row.answered_at, tuple(row.items)


def _form(row: QuestionnaireRow) -> tuple[str, datetime]:
    return row.scale, row.answered_at


def pair_sessions(source: Sequence[SessionRow], target: Sequence[SessionRow]) -> list[tuple[SessionRow, SessionRow]]:
    """Return the sessions of one recording that two subjects both have: the one that goes, the one that stays.

    Args:
        source: The sessions of the subject who goes.
        target: The sessions of the subject who stays.
    """
    of_target = {row.media_sha256: row for row in target}
    return [(row, of_target[row.media_sha256]) for row in source if row.media_sha256 in of_target]


def repeated(source: Sequence[Noted], target: Sequence[Noted]) -> list[Noted]:
    """Return the events or notes of the source that the target has in the same words at the same time.

    Args:
        source: Events of the subject who goes, or notes of a session that goes.
        target: Those of the subject or session that stays.
    """
    present = {_words(row) for row in target}
    return [row for row in source if _words(row) in present]


def _words(row: EventRow | NoteRow) -> tuple[object, ...]:
    return (row.at, row.words) if isinstance(row, EventRow) else (row.time_s, row.words, row.tag)


def earliest(first: datetime | None, second: datetime | None) -> datetime | None:
    """Return the earlier of two ends of retention; None, no limit, comes after every end.

    Args:
        first: An end, timezone-aware; None for no limit.
        second: The other end.
    """
    ends = [end for end in (first, second) if end is not None]
    return min(ends, default=None)
