"""What was entered for the recordings that are about to come, kept while the page is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import streamlit as st

from dashboard.i18n import mark
from service.ingest.arrival import Details

BATCH = "new_session_batch"


class Place(StrEnum):
    """Where recordings come from."""

    COMPUTER = mark("This computer")
    FOLDER = mark("A folder on the server")
    CAMERA = mark("The camera")


@dataclass(frozen=True)
class Batch:
    """Where recordings come from and what is true of them.

    every: of each one, None when a table names them. named: of the file of that name, as its table's row says.
    """

    place: Place
    every: Details | None
    named: Mapping[str, Details] = field(default_factory=dict)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Labels of the subjects, each once."""
        all_of_them = [self.every] if self.every else list(self.named.values())
        return tuple(dict.fromkeys(details.subject for details in all_of_them))


def current() -> Batch | None:
    """What was entered, None before."""
    found: Batch | None = st.session_state.get(BATCH)
    return found


def begin(batch: Batch) -> None:
    """Go on to the recordings."""
    st.session_state[BATCH] = batch
    st.rerun()


def begin_anew() -> None:
    """Back to the form; what has arrived stays listed."""
    st.session_state.pop(BATCH, None)
    st.rerun()
