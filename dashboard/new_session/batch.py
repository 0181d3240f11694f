"""Details that were entered for the recordings to come, kept while the page is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import streamlit as st

from dashboard.i18n import mark
from service.ingest.session_details import SessionDetails

BATCH = "new_session_batch"


class Origin(StrEnum):
    """Where recordings come from."""

    COMPUTER = mark("This computer")
    FOLDER = mark("A folder on the server")
    CAMERA = mark("The camera")


@dataclass(frozen=True)
class Batch:
    """Recordings to come and their details.

    Attributes:
        origin: Where they come from.
        details: Details of each recording; None when a table names them.
        by_file: Details by the name of the file, as the table's rows say.
    """

    origin: Origin
    details: SessionDetails | None
    by_file: Mapping[str, SessionDetails] = field(default_factory=dict)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Labels of the subjects, each once."""
        every = [self.details] if self.details else list(self.by_file.values())
        return tuple(dict.fromkeys(details.subject for details in every))


def load_batch(key: str = BATCH) -> Batch | None:
    """Return what was entered; None before.

    Args:
        key: Names the page that asks.
    """
    batch: Batch | None = st.session_state.get(key)
    return batch


def start_batch(batch: Batch, key: str = BATCH) -> None:
    """Go on from the form to the recordings.

    Args:
        batch: What was entered.
        key: Names the page.
    """
    st.session_state[key] = batch
    st.rerun()


def drop_batch(key: str = BATCH) -> None:
    """Go back to the form. What has arrived stays listed.

    Args:
        key: Names the page.
    """
    forget_batch(key)
    st.rerun()


def forget_batch(key: str = BATCH) -> None:
    """Forget what was entered, without drawing the page again.

    Args:
        key: Names the page.
    """
    st.session_state.pop(key, None)
    st.session_state.pop(f"{key}_grants", None)
