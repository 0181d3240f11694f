"""A cohort for people to look at: subjects summed up over their sessions, grouped by tags, with the statistics in it.

A person counts once, whatever the number of their sessions. Model estimates are listed and never averaged: those of two
heads, or of simulated and clinical labels, are not one quantity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from db.records import CohortFilter
from db.store import Store
from fer_phq.core.phq import band_of
from fer_phq.features.measures import RATE
from fer_phq.longitudinal.change import changes_since_baseline
from fer_phq.longitudinal.periods import distinct_rates
from service.views.overview.triage import scores_by_subject
from service.views.trends import MEASURE_NAMES, measured_names, mixes_gaze, segments_of

FEW = 5
"""A group of fewer people is shown as points without quartiles."""
EVERYBODY = "Everybody"
REST = "Others"
ANSWER = ("answered_at", "scale", "total", "band", "change", "rci", "direction")
ESTIMATE = ("phq_score", "phq_low", "phq_high", "phq_level", "phq_scale", "phq_provenance", "phq_model_id")


@dataclass(frozen=True, eq=False)
class CohortView:
    """The Cohort page: what the page and its table files show.

    Attributes:
        sessions: A row for each analysed session, of `Store.cohort.load`.
        people: A row for each subject, by label, of `summarise_subjects`.
        withdrawn: How many sessions more the filter lets through, which are left out: their consent was withdrawn.
    """

    sessions: pd.DataFrame
    people: pd.DataFrame
    withdrawn: int

    @property
    def names(self) -> list[str]:
        """The measures and emotion shares that somebody has."""
        return measured_names(self.sessions)

    @property
    def models(self) -> list[str]:
        """The models by which the sessions were measured."""
        return sorted(self.sessions["model_id"].unique())

    @property
    def rates(self) -> tuple[float, ...]:
        """Frames a second, as far as they differ, in which the faces of the sessions were looked at."""
        return distinct_rates(self.sessions[RATE].tolist())

    def narrowed(self, words: str = "", directions: Sequence[str] = ()) -> CohortView:
        """Return the cohort of those people who fit, with their sessions.

        Args:
            words: What a label or a tag has in it, in capital or small letters; empty for everybody.
            directions: How the newest questionnaire may have changed reliably, of `Direction`; empty for everybody.
        """
        people = self.people
        sought = words.strip().casefold()
        if sought:
            texts = zip(people["label"], people["tags"], strict=True)
            people = people[[sought in "\n".join([label, *tags]).casefold() for label, tags in texts]]
        if directions:
            people = people[people["direction"].isin(list(directions))]
        sessions = self.sessions[self.sessions["subject_id"].isin(people["subject_id"])]
        return replace(self, people=people.reset_index(drop=True), sessions=sessions.reset_index(drop=True))

    @property
    def mixes_gaze(self) -> bool:
        """Whether looks are of the gaze in some of the sessions, and of the head alone in others."""
        return mixes_gaze(self.sessions)


def load_cohort_view(store: Store, cohort_filter: CohortFilter, prefer_model: str | None) -> CohortView:
    """Load the cohort that a filter describes, by the active model's analyses where there are any.

    Args:
        store: The store.
        cohort_filter: Which sessions belong to it.
        prefer_model: Id of the model whose analyses stand for their sessions; None for the newest of any.

    Returns:
        The view.
    """
    sessions = store.cohort.load(cohort=cohort_filter, measures=MEASURE_NAMES, prefer_model=prefer_model)
    people = summarise_subjects(sessions, store.cohort.load_answers(), store.subjects.tags())
    withdrawn = store.cohort.count_withdrawn(cohort=cohort_filter, prefer_model=prefer_model)
    return CohortView(sessions, people, withdrawn)


def summarise_subjects(
    sessions: pd.DataFrame, answers: pd.DataFrame, tags: Mapping[str, tuple[str, ...]]
) -> pd.DataFrame:
    """Build a row for each subject, by label, from their sessions.

    Columns: subject_id, label, is_demo (all sessions are), tags (a list), sessions, first_at, last_at, newest_session,
    model_id (of the newest session), models (how many), coverage and each measured name (means over sessions); the
    newest estimate as its columns `ESTIMATE` and estimate_at; the columns of `newest_answers`. What is missing is NaN,
    NaT or None.

    Args:
        sessions: Rows of `Store.cohort.load`.
        answers: Rows of `Store.cohort.load_answers`.
        tags: The tags of each subject that has any, by its id.
    """
    names = measured_names(sessions)
    by = sessions.groupby("subject_id", sort=False)
    people = by.agg(
        label=("label", "first"),
        is_demo=("is_demo", "all"),
        sessions=("session_id", "size"),
        first_at=("recorded_at", "first"),
        last_at=("recorded_at", "last"),
        newest_session=("session_id", "last"),
        model_id=("model_id", "last"),
        models=("model_id", "nunique"),
    )
    people = people.join(by[["coverage", *names]].mean())
    estimates = sessions[sessions["phq_score"].notna()].groupby("subject_id", sort=False).tail(1)
    newest = estimates.set_index("subject_id")[[*ESTIMATE, "recorded_at"]].rename(
        columns={"recorded_at": "estimate_at"}
    )
    people = people.join(newest).join(newest_answers(answers).set_index("subject_id")).reset_index()
    people.insert(2, "tags", [list(tags.get(subject_id, ())) for subject_id in people["subject_id"]])
    return people


def newest_answers(answers: pd.DataFrame) -> pd.DataFrame:
    """Build a row for each subject's newest questionnaire.

    Columns: subject_id, answered_at, scale, total, band; change, the points since the first one of its scale (NaN where
    it is the first), rci, the reliable change index of that, and direction, of `Direction`.

    Args:
        answers: Rows of `Store.cohort.load_answers`.
    """
    rows = []
    for subject_id, scores in scores_by_subject(answers).items():
        newest = changes_since_baseline(scores)[-1]
        compared: tuple[float, float, str | None] = (math.nan, math.nan, None)
        if not newest.is_baseline:
            compared = (newest.difference, newest.rci, str(newest.direction))
        last = newest.score
        band = str(band_of(last.total))
        rows.append((subject_id, pd.Timestamp(last.answered_at), str(last.scale), last.total, band, *compared))
    numbers = {"total": "int64", "change": "float64", "rci": "float64"}
    return pd.DataFrame(rows, columns=["subject_id", *ANSWER]).astype({"answered_at": "datetime64[us, UTC]", **numbers})


def group_by_tag(people: pd.DataFrame, tags: Sequence[str]) -> pd.DataFrame:
    """Build a row (subject_id, group) for each group of each person, in the order of the tags and then of people.

    Without tags one group holds everybody. Somebody with two of the tags is in two groups, with none in `REST`.

    Args:
        people: Rows of `summarise_subjects`.
        tags: The tags that make groups.
    """
    if not tags:
        return pd.DataFrame({"subject_id": people["subject_id"], "group": EVERYBODY})
    tags_of_subject = dict(zip(people["subject_id"], people["tags"], strict=True))
    rows = []
    for tag in tags:
        rows += [(subject_id, tag) for subject_id, subject_tags in tags_of_subject.items() if tag in subject_tags]
    for subject_id, subject_tags in tags_of_subject.items():
        if not set(tags) & set(subject_tags):
            rows.append((subject_id, REST))
    return pd.DataFrame(rows, columns=["subject_id", "group"])


def distribution(people: pd.DataFrame, groups: pd.DataFrame, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build the points and boxes of one measure.

    Points: a row for each person and group who has it: subject_id, label, sessions, group, value. Boxes: a row for each
    group of at least `FEW` people: group, people, low, q1, median, q3, high, with whiskers at the outermost person
    within one and a half times the box (Tukey 1977).

    Args:
        people: Rows of `summarise_subjects`.
        groups: Rows of `group_by_tag`.
        name: The measure.
    """
    table = people.loc[people[name].notna(), ["subject_id", "label", "sessions", name]].rename(columns={name: "value"})
    points = groups.merge(table, on="subject_id")
    boxes = [
        {"group": group, **_box(rows["value"].to_numpy(dtype=np.float64))}
        for group, rows in points.groupby("group", sort=False)
        if len(rows) >= FEW
    ]
    return points, pd.DataFrame(boxes, columns=["group", "people", "low", "q1", "median", "q3", "high"])


def lines(sessions: pd.DataFrame, subject_ids: Sequence[str], name: str) -> pd.DataFrame:
    """Build one measure over the sessions of these people: subject_id, session_id, recorded_at, segment, value.

    Args:
        sessions: Rows of `Store.cohort.load`.
        subject_ids: The people's UUIDs, in the order of the rows.
        name: The measure.
    """
    selected = sessions[sessions["subject_id"].isin(subject_ids)]
    sessions_of_subject = dict(list(selected.groupby("subject_id")))
    parts = []
    for subject_id in subject_ids:
        of_subject = sessions_of_subject.get(subject_id)
        if of_subject is None:
            continue
        table = of_subject[["subject_id", "session_id", "recorded_at"]]
        parts.append(table.assign(segment=segments_of(of_subject, name), value=of_subject[name]))
    empty = pd.DataFrame(columns=["subject_id", "session_id", "recorded_at", "segment", "value"])
    return pd.concat(parts, ignore_index=True) if parts else empty


def sparks(sessions: pd.DataFrame, name: str) -> dict[str, list[float]]:
    """Return one measure of each subject's sessions, oldest first, without those in which it was not measured.

    Args:
        sessions: Rows of `Store.cohort.load`.
        name: The measure.

    Returns:
        Values by the subject's UUID; subjects without any are not in it.
    """
    measured = sessions.loc[sessions[name].notna(), ["subject_id", name]]
    return {str(subject_id): rows.tolist() for subject_id, rows in measured.groupby("subject_id", sort=False)[name]}


def value_range(sessions: pd.DataFrame, name: str) -> tuple[float, float]:
    """Return the smallest and largest value of a measure with a little air, so that people's panels can be compared.

    Args:
        sessions: Rows of `Store.cohort.load`.
        name: The measure.
    """
    low = float(sessions[name].min())
    high = float(sessions[name].max())
    air = 0.06 * (high - low) or 0.5
    return low - air, high + air


def _box(values: np.ndarray) -> dict[str, float]:
    q1, median, q3 = np.percentile(values, [25, 50, 75])
    reach = 1.5 * (q3 - q1)
    inside = values[(values >= q1 - reach) & (values <= q3 + reach)]
    return {
        "people": len(values), "low": float(inside.min()), "q1": float(q1), "median": float(median), "q3": float(q3),
        "high": float(inside.max()),
    }  # fmt: skip
