"""The sessions of a study: which of a filter's may leave the installation, under pseudonyms, and which are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import pandas as pd

from db.records import CohortFilter, QuestionnaireSource
from db.store import Store
from fer_phq.core.messages import Message, Template
from fer_phq.core.phq import Provenance
from service.lifecycle.export import ExportError
from service.study import messages
from service.views.trends import MEASURE_NAMES


class StudyError(ExportError):
    """A study cannot be exported."""


class Omission(StrEnum):
    """Why a session of the filter is left out of a study, in the order in which the reasons are looked for."""

    DEMONSTRATION = "demonstration"
    WITHDRAWN = "withdrawn"
    NO_CONSENT = "no_consent"
    NOT_ANALYSED = "not_analysed"
    COVERAGE = "coverage"


SENTENCES: Mapping[Omission, Template] = {
    Omission.DEMONSTRATION: messages.LEFT_OUT_DEMONSTRATION,
    Omission.WITHDRAWN: messages.LEFT_OUT_WITHDRAWN,
    Omission.NO_CONSENT: messages.LEFT_OUT_NO_CONSENT,
    Omission.NOT_ANALYSED: messages.LEFT_OUT_NOT_ANALYSED,
    Omission.COVERAGE: messages.LEFT_OUT_COVERAGE,
}


@dataclass(frozen=True)
class StudyRequest:
    """What a study is made of.

    Attributes:
        cohort: Which sessions.
        prefer_model: Id of the model whose analyses stand for their sessions; None for the newest of any.
        title: What the study is called; empty for a title of its numbers.
        authors: Who is cited; empty where that is to be filled in.
    """

    cohort: CohortFilter
    prefer_model: str | None = None
    title: str = ""
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Study:
    """The sessions of a study and what was left out, read at one moment.

    Attributes:
        request: What was asked for.
        sessions: A row for each session, of `Store.cohort.load` without labels, with the columns of
            `Store.cohort.survey` and the person's tags; by pseudonym, then oldest first.
        omissions: How many sessions of the filter are left out, by the first reason that holds.
        made_at: When it was read, in UTC.
    """

    request: StudyRequest
    sessions: pd.DataFrame
    omissions: Mapping[Omission, int]
    made_at: datetime

    @property
    def people(self) -> int:
        """Number of people."""
        return int(self.sessions["subject_id"].nunique())

    @property
    def demonstrations(self) -> int:
        """Number of sessions that are made up."""
        return int(self.sessions["is_demo"].sum())

    @property
    def simulated(self) -> int:
        """Number of sessions with an estimate of a head that was trained on simulated labels."""
        return int((self.sessions["phq_provenance"] == str(Provenance.SIMULATED)).sum())

    @property
    def total(self) -> Message:
        """How many sessions of how many people there are."""
        return messages.TOTAL(sessions=messages.SESSIONS(n=len(self.sessions)), people=messages.PEOPLE(n=self.people))

    @property
    def reasons(self) -> tuple[Message, ...]:
        """Why sessions are left out, each reason with its number."""
        return tuple(SENTENCES[reason](n=number) for reason, number in self.omissions.items())

    @property
    def sentences(self) -> Sequence[Message]:
        """What must be known of it before it is used: what is made up or simulated, and what is left out."""
        made_up = [messages.DEMONSTRATIONS(n=self.demonstrations)] if self.demonstrations else []
        simulated = [messages.SIMULATED(n=self.simulated)] if self.simulated else []
        left_out = [messages.LEFT_OUT(reasons=self.reasons)] if self.reasons else []
        return [*made_up, *simulated, *left_out]


def load_study(store: Store, request: StudyRequest) -> Study:
    """Read which sessions a study has.

    A session leaves only with a recorded consent that stands; a demonstration needs none. Labels stay behind: people
    are called by their pseudonyms, whoever asks.

    Args:
        store: The store, which acts for whoever asks.
        request: What the study is made of.
    """
    survey = store.cohort.survey(cohort=request.cohort, prefer_model=request.prefer_model)
    omission = _omissions(survey, request.cohort)
    selected = survey[omission.isna()]
    loaded = store.cohort.load(cohort=request.cohort, measures=MEASURE_NAMES, prefer_model=request.prefer_model)
    again = ["session_id", "subject_id", "is_demo", "coverage", "is_withdrawn", "has_consent"]
    sessions = selected.drop(columns=again).merge(loaded.drop(columns="label"), on="analysis_id", validate="1:1")
    tags = store.subjects.tags(subject_ids=sorted(set(sessions["subject_id"])))
    sessions["tags"] = ["; ".join(tags.get(subject_id, ())) or None for subject_id in sessions["subject_id"]]
    counts = omission.value_counts()
    return Study(
        request=request,
        sessions=sessions.sort_values(["pseudonym", "recorded_at", "session_id"], ignore_index=True),
        omissions={reason: int(counts[reason]) for reason in Omission if reason in counts.index},
        made_at=datetime.now(UTC),
    )


def load_answers(store: Store, study: Study) -> pd.DataFrame:
    """Load the questionnaires of a study's people, whenever they were answered, by pseudonym, then oldest first.

    Those that a correction supersedes are left out, and so are the demonstration's unless its sessions count.

    Args:
        store: The store.
        study: The study.
    """
    pseudonyms = dict(zip(study.sessions["subject_id"], study.sessions["pseudonym"], strict=True))
    rows = []
    for subject_id, pseudonym in sorted(pseudonyms.items(), key=lambda pair: pair[1]):
        for record in reversed(store.questionnaires.list_by_subject(subject_id=subject_id)):
            if record.source is QuestionnaireSource.DEMO and not study.request.cohort.demo:
                continue
            items = {f"item_{number}": answer for number, answer in enumerate(record.items, 1)}
            rows.append(
                {
                    "subject_id": subject_id,
                    "pseudonym": pseudonym,
                    "questionnaire_id": record.id,
                    "answered_at": pd.Timestamp(record.answered_at),
                    "scale": str(record.scale),
                    "total": record.total,
                    "difficulty": record.difficulty,
                    "source": str(record.source),
                    **items,
                }
            )
    return pd.DataFrame(rows)


def _omissions(survey: pd.DataFrame, cohort: CohortFilter) -> pd.Series:
    """Return the reason of each session that is left out; missing of one that is not."""
    reasons = {
        Omission.DEMONSTRATION: survey["is_demo"] & (not cohort.demo),
        Omission.WITHDRAWN: survey["is_withdrawn"],
        Omission.NO_CONSENT: ~survey["has_consent"] & ~survey["is_demo"],
        Omission.NOT_ANALYSED: survey["analysis_id"].isna(),
        Omission.COVERAGE: survey["coverage"] < cohort.min_coverage,
    }
    omission = pd.Series(None, index=survey.index, dtype=object)
    for reason, holds in reversed(reasons.items()):
        omission[holds] = reason
    return omission
