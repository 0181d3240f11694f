"""A cohort summed up: people, groups, distributions, courses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fer_phq.core.emotions import EMOTIONS
from fer_phq.longitudinal.change import difference_sd
from service.views.overview import cohort

ESTIMATE = {
    "phq_score": 9.0, "phq_low": 4.0, "phq_high": 15.0, "phq_level": 0.9, "phq_scale": "PHQ-8",
    "phq_provenance": "clinical", "phq_model_id": "h1",
}  # fmt: skip
NO_ESTIMATE = dict.fromkeys(ESTIMATE)


def session(person: str, n: int, day: int, pitch: float = np.nan, **changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "subject_id": person, "label": person.upper(), "is_demo": False, "session_id": f"{person}{n}",
        "recorded_at": pd.Timestamp("2026-03-01", tz="UTC") + pd.Timedelta(days=day), "duration_s": 60.0,
        "analysis_id": f"x{person}{n}", "model_id": "m1", "coverage": 0.8, **dict.fromkeys(EMOTIONS, 1 / 7),
        "pitch_sd": pitch, "smiling_share": np.nan, "turns_kind": None, "speaker_choice": None, "has_sidecar": False,
        **ESTIMATE,
    }  # fmt: skip
    return row | changes


def sessions() -> pd.DataFrame:
    simulated = ESTIMATE | {"phq_score": 20.0, "phq_provenance": "simulated"}
    return pd.DataFrame(
        [
            session("a", 1, 0, 1.0, **simulated),
            session("a", 2, 7, 3.0, coverage=0.6),
            session("a", 3, 60, np.nan, **NO_ESTIMATE),
            session("b", 1, 3, 5.0, is_demo=True, model_id="m2", **NO_ESTIMATE),
        ]
    ).astype({"phq_score": "float64", "phq_low": "float64", "phq_high": "float64"})


def answers() -> pd.DataFrame:
    at = pd.to_datetime(["2026-02-04", "2026-02-11", "2026-03-04"], utc=True)
    scale = ["PHQ-9", "PHQ-8", "PHQ-9"]
    return pd.DataFrame({"subject_id": "b", "answered_at": at, "scale": scale, "total": [5, 20, 12]})


def people() -> pd.DataFrame:
    return cohort.summarise_subjects(sessions(), answers(), {"a": ("arm 1", "site x"), "c": ("arm 2",)})


def test_a_person_counts_once() -> None:
    a, b = people().to_dict("records")
    assert (a["label"], a["sessions"], a["newest_session"], a["models"], a["tags"]) == (
        "A", 3, "a3", 1, ["arm 1", "site x"],
    )  # fmt: skip
    assert (a["last_at"] - a["first_at"]).days == 60
    assert a["pitch_sd"] == 2.0, "the mean of those sessions in which it was measured"
    assert a["coverage"] == pytest.approx((0.8 + 0.6 + 0.8) / 3)
    assert (b["is_demo"], b["model_id"], b["tags"]) == (True, "m2", [])
    assert (b["scale"], b["total"], b["band"]) == ("PHQ-9", 12, "moderate")
    assert b["answered_at"] == pd.Timestamp("2026-03-04", tz="UTC")
    assert (b["change"], b["direction"]) == (7, "worsened"), "since the first of its scale"
    assert b["rci"] == pytest.approx(7 / difference_sd())
    assert pd.isna(a["total"])
    assert "smiling_share" not in people(), "nobody has it"


def test_estimates_are_the_newest_and_no_mean() -> None:
    a, b = people().to_dict("records")
    assert (a["phq_score"], a["phq_low"], a["phq_high"], a["phq_provenance"]) == (9, 4, 15, "clinical")
    assert a["estimate_at"] == pd.Timestamp("2026-03-08", tz="UTC")
    assert pd.isna(b["phq_score"])


def test_a_first_questionnaire_has_no_change() -> None:
    (only,) = cohort.newest_answers(answers().iloc[:1]).to_dict("records")
    assert (only["total"], only["band"], only["direction"]) == (5, "mild", None)
    assert np.isnan([only["change"], only["rci"]]).all()
    assert list(cohort.newest_answers(answers().iloc[:0])) == ["subject_id", *cohort.ANSWER]


def test_nobody() -> None:
    none = cohort.summarise_subjects(sessions().iloc[:0], answers(), {})
    assert none.empty
    assert {"label", "tags", "phq_score", "total"} <= set(none.columns)


def test_groups_by_tags() -> None:
    assert set(cohort.group_by_tag(people(), [])["group"]) == {cohort.EVERYBODY}
    found = cohort.group_by_tag(people(), ["site x", "arm 1"])
    assert list(map(tuple, found.to_numpy())) == [("a", "site x"), ("a", "arm 1"), ("b", cohort.REST)]


def test_a_distribution_is_of_people_by_group() -> None:
    table = pd.DataFrame(
        {
            "subject_id": [f"p{i}" for i in range(9)],
            "label": [f"P{i}" for i in range(9)],
            "sessions": 2,
            "pitch_sd": [1.0, 2.0, 3.0, 4.0, 5.0, 30.0, 1.0, 1.0, np.nan],
        }
    )
    groups = pd.DataFrame({"subject_id": table["subject_id"], "group": ["x"] * 6 + ["y"] * 3})
    points, boxes = cohort.distribution(table, groups, "pitch_sd")
    assert points.groupby("group").size().to_dict() == {"x": 6, "y": 2}
    (box,) = boxes.to_dict("records")
    assert box == {"group": "x", "people": 6, "low": 1, "q1": 2.25, "median": 3.5, "q3": 4.75, "high": 5}
    assert cohort.distribution(table.iloc[6:], groups, "pitch_sd")[1].empty


def test_courses_and_sparks() -> None:
    long = cohort.lines(sessions(), ["b", "a"], "pitch_sd")
    assert list(long["session_id"]) == ["b1", "a1", "a2", "a3"]
    assert list(long["segment"]) == [0, 0, 0, 1]
    assert cohort.lines(sessions(), [], "pitch_sd").empty
    assert cohort.sparks(sessions(), "pitch_sd") == {"a": [1.0, 3.0], "b": [5.0]}
    low, high = cohort.value_range(sessions(), "pitch_sd")
    assert low < 1 < 5 < high
    assert cohort.value_range(sessions().iloc[3:], "pitch_sd") == (4.5, 5.5)
