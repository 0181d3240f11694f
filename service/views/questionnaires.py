"""The history of a person's questionnaires: who corrected which, when, and what changed by it."""

from __future__ import annotations

from dataclasses import dataclass

from db.records import QuestionnaireRecord
from db.store import Store


@dataclass(frozen=True)
class Correction:
    """One step of a questionnaire's history.

    Attributes:
        before: The questionnaire that was corrected.
        after: The one that corrects it.
        by: The person who corrected it; '' where nobody is named.
    """

    before: QuestionnaireRecord
    after: QuestionnaireRecord
    by: str


@dataclass(frozen=True)
class QuestionnairesView:
    """A person's questionnaires.

    Attributes:
        current: Those that no correction supersedes, last answered first.
        authors: Who entered each, by its id.
        corrections: Newest first.
    """

    current: tuple[QuestionnaireRecord, ...]
    authors: dict[str, str]
    corrections: tuple[Correction, ...]


def load_questionnaires_view(store: Store, subject_id: str) -> QuestionnairesView:
    """Load everything that a subject has answered, with its history.

    Args:
        store: The store.
        subject_id: The subject's UUID.
    """
    records = store.questionnaires.list_by_subject(subject_id=subject_id, include_superseded=True)
    authors = store.questionnaires.authors(subject_id=subject_id)
    by_id = {record.id: record for record in records}
    steps = [
        Correction(by_id[record.supersedes_id], record, authors.get(record.id, ""))
        for record in records
        if record.supersedes_id is not None
    ]
    steps.sort(key=lambda step: step.after.created_at, reverse=True)
    return QuestionnairesView(tuple(record for record in records if not record.superseded), authors, tuple(steps))
