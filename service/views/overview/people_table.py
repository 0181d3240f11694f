"""The cohort's people as a table: the columns that can be chosen, and the order of the rows.

Estimates of heads that were trained on simulated labels have columns of their own, by which nobody is ordered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from fer_phq.core.phq import Provenance
from fer_phq.features.measures import BY_NAME

PERSON = ("subject_id", "label", "is_demo")
"""Columns that every table begins with."""
ESTIMATE = ("estimate", "estimate_low", "estimate_high", "estimate_scale", "estimate_at")
SIMULATED = ("simulated_estimate", "simulated_low", "simulated_high")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("tags", "sessions", "first_at", "last_at")},
    **{name: (name,) for name in ("total", "scale", "band", "answered_at", "change", "rci", "direction")},
    **{name: (name,) for name in ESTIMATE},
    "simulated": SIMULATED,
    **{name: (name,) for name in ("coverage", "model_id")},
    **{name: (name,) for name in BY_NAME},
}
CHOICES = tuple(_CHOICES)
"""Names of what can be chosen, in the table's order."""
UNORDERED = frozenset({"tags", "simulated"})
"""Choices by which rows are not ordered."""
_ORDERED_BY = {"direction": "rci", "band": "total"}
"""What a word comes of: its letters have no order."""
SEPARATOR = "; "
"""Between the tags of a person."""


def first_choice(people: pd.DataFrame) -> list[str]:
    """Return the columns that a table begins with: those of clinical or of simulated estimates as there are any.

    Args:
        people: Rows of `summarise_subjects`.
    """
    provenances = set(people["phq_provenance"].dropna())
    estimates = ["estimate", "estimate_low", "estimate_high"] if str(Provenance.CLINICAL) in provenances else []
    simulated = ["simulated"] if str(Provenance.SIMULATED) in provenances else []
    answers = ["total", "scale", "answered_at", "change", "direction"]
    return ["tags", "sessions", "last_at", *answers, *estimates, *simulated, "coverage"]


def with_estimates(people: pd.DataFrame) -> pd.DataFrame:
    """Add the newest estimate as the columns `ESTIMATE` where its labels are clinical, else as `SIMULATED`.

    Args:
        people: Rows of `summarise_subjects`.
    """
    clinical = people["phq_provenance"] == str(Provenance.CLINICAL)
    simulated = people["phq_provenance"] == str(Provenance.SIMULATED)
    out = people.copy()
    out["estimate_at"] = people["estimate_at"].where(clinical)
    out["estimate_scale"] = people["phq_scale"].where(clinical)
    for name, source in (("", "score"), ("_low", "low"), ("_high", "high")):
        out[f"estimate{name}"] = people[f"phq_{source}"].where(clinical)
        out[f"simulated{name or '_estimate'}"] = people[f"phq_{source}"].where(simulated)
    return out


def ordered(people: pd.DataFrame, name: str, *, descending: bool = False) -> pd.DataFrame:
    """Order people by a column; those without a value come last, and equal ones by their label.

    Args:
        people: Rows of `with_estimates`, by label.
        name: `label`, or one of `CHOICES` that is not in `UNORDERED`.
        descending: Whether the highest come first.

    Raises:
        ValueError: Rows cannot be ordered by the column.
    """
    if name != "label" and (name not in _CHOICES or name in UNORDERED):
        raise ValueError(f"People cannot be ordered by '{name}'.")
    by = _ORDERED_BY.get(name, name)
    if by not in people:
        return people.reset_index(drop=True)
    if by == "label":  # the order of the store, which knows what the viewer may see
        rows = people.iloc[::-1] if descending else people
        return rows.reset_index(drop=True)
    return people.sort_values(by, ascending=not descending, na_position="last", kind="stable", ignore_index=True)


def people_table(people: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Build the table of the chosen columns, as it is taken away.

    Args:
        people: Rows of `with_estimates`, in their order.
        names: Of `CHOICES`; measures that nobody has are left out.
    """
    columns = [column for name in names for column in _CHOICES[name] if column in people]
    table = people[[*PERSON, *columns]]
    if "tags" in columns:
        table = table.assign(tags=[SEPARATOR.join(tags) for tags in table["tags"]])
    return table
