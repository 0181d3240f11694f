"""The stored sessions that PHQ heads learn from, and why the others do not count: one count for page and command."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db.records import Exclusion, LabelledSessionRecord, LabelSurvey
from db.store import Store
from fer_phq.core.messages import Message, Template
from fer_phq.core.phq import Scale
from fer_phq.models.head_report import FEWEST_SESSIONS, FEWEST_SUBJECTS, RIDGE_ONLY_BELOW
from fer_phq.voice.kinds import EARLIER_KIND
from service.models import messages

WITHIN_DAYS = 14.0
"""A PHQ asks about the last two weeks."""
LONGEST_DAYS = 365.0
UNREAD_KINDS = (EARLIER_KIND,)
"""A voice that an earlier version measured is another series."""

_REASONS: Mapping[Exclusion, Template] = {
    Exclusion.DEMONSTRATION: messages.IS_DEMONSTRATION,
    Exclusion.WITHDRAWN: messages.IS_WITHDRAWN,
    Exclusion.NOT_ANALYSED: messages.NOT_ANALYSED,
    Exclusion.OTHER_BACKBONE: messages.OTHER_BACKBONE,
    Exclusion.NO_QUESTIONNAIRE: messages.NO_QUESTIONNAIRE,
    Exclusion.NOTHING_MEASURED: messages.NOTHING_MEASURED,
}
"""The sentences that need no more than a number."""


@dataclass(frozen=True)
class LabelledSessions:
    """What a training would learn from.

    Attributes:
        scale: The scale of the questionnaires.
        within_days: The most days between a recording and its questionnaire.
        survey: The sessions, and why the others do not count.
        is_more_frequent: Whether the scale was taken as more sessions have it than another.
    """

    scale: Scale
    within_days: float
    survey: LabelSurvey
    is_more_frequent: bool = False

    @property
    def sessions(self) -> tuple[LabelledSessionRecord, ...]:
        """The sessions that count, by subject, then date."""
        return self.survey.sessions

    @property
    def people(self) -> int:
        """Number of people of these sessions."""
        return len({session.subject_id for session in self.sessions})

    @property
    def enough(self) -> bool:
        """Whether a head can be trained at all."""
        return len(self.sessions) >= FEWEST_SESSIONS and self.people >= FEWEST_SUBJECTS

    @property
    def ridge_only(self) -> bool:
        """Whether so few people leave no selection between models."""
        return self.people < RIDGE_ONLY_BELOW

    @property
    def total(self) -> Message:
        """How many sessions count, in a sentence."""
        return messages.SESSIONS_COUNT(
            sessions=messages.ANALYSED_SESSIONS(n=len(self.sessions)),
            people=messages.PEOPLE(n=self.people),
            scale=str(self.scale),
            within=_within(self.within_days),
        )

    @property
    def excluded(self) -> Message:
        """How many sessions do not count; the reasons follow it."""
        return messages.EXCLUDED(n=sum(self.survey.excluded.values()))

    @property
    def exclusions(self) -> Sequence[Message]:
        """Why the others do not count, each reason with its number; a session is under the first that holds."""
        return [self._exclusion(reason, number) for reason, number in self.survey.excluded.items()]

    @property
    def lines(self) -> Sequence[Message]:
        """The whole account, a sentence a line: how many count, how many do not, and the reasons."""
        return [self.total, *([self.excluded, *self.exclusions] if self.exclusions else [])]

    def _exclusion(self, reason: Exclusion, number: int) -> Message:
        if reason is Exclusion.OTHER_SCALE:
            other = next(scale for scale in Scale if scale is not self.scale)
            return messages.OTHER_SCALE(
                n=number, scale=str(self.scale), other=str(other), within=_within(self.within_days)
            )
        if reason is Exclusion.TOO_FAR:
            # Rounded up, so that it does not read like a day that would be near enough.
            nearest = math.ceil(round(10 * (self.survey.nearest_days or 0.0), 3)) / 10
            return messages.TOO_FAR(n=number, within=_within(self.within_days), nearest=nearest)
        return _REASONS[reason](n=number)


def find_labelled_sessions(
    store: Store, face_kind: str, scale: Scale | None = None, within_days: float = WITHIN_DAYS
) -> LabelledSessions:
    """Find the sessions that a training would use.

    Args:
        store: The open store.
        face_kind: The backbone; only analyses by models with it count.
        scale: Which questionnaires; None takes the scale that more sessions have.
        within_days: The most days between a recording and its questionnaire.
    """
    labelled = [
        LabelledSessions(
            candidate,
            within_days,
            store.labels.survey(
                scale=candidate, within_days=within_days, face_kind=face_kind, unread_kinds=UNREAD_KINDS
            ),
            is_more_frequent=scale is None,
        )
        for candidate in ([scale] if scale else list(Scale))
    ]
    return max(labelled, key=lambda candidate: len(candidate.sessions))


def _within(days: float) -> Message:
    """Write how near a questionnaire lies."""
    return messages.WITHIN_DAYS(n=int(days)) if float(days).is_integer() else messages.WITHIN_PART_DAYS(days=days)
