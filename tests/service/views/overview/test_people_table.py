"""The cohort's people as a table: clinical and simulated estimates apart, the rows' order, what is taken away."""

from __future__ import annotations

import pandas as pd
import pytest

from service.views import data_dictionary
from service.views.exports import as_csv
from service.views.overview import people_table
from service.views.overview.cohort import CohortView


def people() -> pd.DataFrame:
    rows = [
        {"label": "A", "phq_score": 23.0, "phq_provenance": "simulated", "rci": 2.5, "direction": "worsened"},
        {"label": "B", "phq_score": 9.0, "phq_provenance": "clinical", "rci": -3.0, "direction": "improved"},
        {"label": "C", "phq_score": 12.0, "phq_provenance": "clinical", "rci": 0.4, "direction": "none"},
        {"label": "D", "phq_score": None, "phq_provenance": None, "rci": None, "direction": None},
    ]
    table = pd.DataFrame(rows).assign(is_demo=False, sessions=[3, 1, 3, 2], smiling_share=0.2)
    table = table.assign(
        phq_low=1.0, phq_high=20.0, phq_scale="PHQ-8", estimate_at=pd.Timestamp("2026-03-01", tz="UTC")
    )
    table["total"] = [4, 21, 8, None]
    table["band"] = ["minimal", "severe", "mild", None]
    table["tags"] = [["arm 1", "site x"], [], ["arm 2"], []]
    table["subject_id"] = [f"id-{label}" for label in table["label"]]
    return people_table.with_estimates(table)


def order(name: str, **choices: bool) -> str:
    return "".join(people_table.ordered(people(), name, **choices)["label"])


def test_a_simulated_estimate_is_no_number_among_clinical_ones() -> None:
    a, b, _, d = people().to_dict("records")
    assert pd.isna([a["estimate"], a["estimate_low"], a["estimate_high"]]).all()
    assert (a["simulated_estimate"], a["simulated_low"], a["simulated_high"]) == (23.0, 1.0, 20.0)
    assert (b["estimate"], b["estimate_low"], b["estimate_high"], b["estimate_scale"]) == (9.0, 1.0, 20.0, "PHQ-8")
    assert pd.isna([b["simulated_estimate"], d["estimate"], d["simulated_estimate"]]).all()
    assert pd.isna(a["estimate_at"])


def test_rows_are_ordered_with_missing_ones_last_and_ties_by_label() -> None:
    assert order("label") == "ABCD"
    assert order("label", descending=True) == "DCBA"
    assert order("estimate") == "BCAD"
    assert order("estimate", descending=True) == "CBAD", "the simulated 23 puts nobody first"
    assert order("sessions", descending=True) == "ACDB"
    assert order("direction") == "BCAD", "by the index that it comes of"
    assert order("band") == "ACBD", "by the total that it comes of, not by its letters"
    for name in ("simulated", "tags", "subject_id"):
        with pytest.raises(ValueError, match="cannot be ordered"):
            order(name)


def test_labels_keep_the_order_of_the_store_and_turn_it() -> None:
    rows = people().iloc[[2, 0, 3, 1]]
    assert list(people_table.ordered(rows, "label")["label"]) == ["C", "A", "D", "B"]
    assert list(people_table.ordered(rows, "label", descending=True)["label"]) == ["B", "D", "A", "C"]


def test_what_is_taken_away_is_what_is_chosen_and_in_the_dictionary() -> None:
    table = people_table.people_table(
        people(), ["tags", "sessions", "estimate", "simulated", "pitch_sd", "smiling_share"]
    )
    assert list(table) == [
        "subject_id", "label", "is_demo", "tags", "sessions", "estimate", "simulated_estimate", "simulated_low",
        "simulated_high", "smiling_share",
    ]  # fmt: skip
    assert list(table["tags"]) == ["arm 1; site x", "", "arm 2", ""]
    assert "id-A,A,False,arm 1; site x,3,,23.0" in as_csv(table)
    described = {column.name for column in data_dictionary.COHORT_PEOPLE.columns}
    choosable = {column for names in people_table._CHOICES.values() for column in names}
    assert {*people_table.PERSON, *choosable} == described


def test_a_cohort_is_narrowed_with_its_sessions() -> None:
    sessions = pd.DataFrame({"subject_id": ["id-A", "id-A", "id-B", "id-C"]})
    cohort = CohortView(sessions, people(), withdrawn=2)
    assert list(cohort.narrowed("ARM").people["label"]) == ["A", "C"]
    assert len(cohort.narrowed("ARM").sessions) == 3
    assert list(cohort.narrowed(" b ").people["label"]) == ["B"]
    worse = cohort.narrowed(directions=["worsened", "none"])
    assert list(worse.people["label"]) == ["A", "C"]
    assert worse.withdrawn == 2
    assert len(cohort.narrowed().people) == 4
    assert cohort.narrowed("nobody").sessions.empty


def test_a_table_begins_with_the_estimates_that_there_are() -> None:
    rows = people()
    assert {"estimate", "simulated"} <= set(people_table.first_choice(rows))
    assert "simulated" not in people_table.first_choice(rows.iloc[1:])
    assert "estimate" not in people_table.first_choice(rows.iloc[[0, 3]])
