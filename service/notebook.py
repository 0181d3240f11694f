"""The store as a notebook reads it: `fer_phq.open_store().trend("P01")`."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import UTC
from html import escape
from types import TracebackType
from typing import Any, Self

import pandas as pd

from db.actors import Actor
from db.store import Store
from fer_phq.core.errors import StoreError
from fer_phq.core.phq import Provenance
from fer_phq.core.texts import NOT_A_DIAGNOSIS
from service.lifecycle import messages
from service.models.active_model import preferred_model
from service.settings import AppSettings, load_settings
from service.views.exports import sessions_table
from service.views.trends import TrendsView, load_trends_view

PROGRAM = "notebook"


@dataclass(frozen=True, eq=False)
class Trend:
    """A person over time, which a notebook shows as a card.

    Attributes:
        view: What the Trends page shows of them.
    """

    view: TrendsView

    @property
    def answers(self) -> pd.DataFrame:
        """A row for each questionnaire, oldest first; the table `questionnaires` of the data dictionary."""
        return self.view.answers

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each analysed session, oldest first; the table `sessions` of the data dictionary."""
        return sessions_table(self.view)

    def __repr__(self) -> str:
        """Return one line: who, and how much there is of them."""
        counts = f"{len(self.view.sessions)} analysed sessions, {len(self.answers)} questionnaires"
        return f"<Trend of {self.view.subject.label}: {counts}{self._warning}>"

    def _repr_html_(self) -> str:
        """Return the card, which takes the notebook's own colours of text and background."""
        rows = [*self._session_rows(), *self._answer_rows()]
        rows.sort(key=lambda row: row[0])
        cells = "".join(
            f'<tr><td style="text-align:left">{at:%Y-%m-%d}</td><td style="text-align:left">{escape(kind)}</td>'
            f'<td style="text-align:left">{escape(words)}</td></tr>'
            for at, kind, words in rows
        )
        return (
            '<div style="border:1px solid #7F9199;border-radius:6px;padding:10px 14px;max-width:44em">'
            f"<strong>{escape(self.view.subject.label)}</strong>{escape(self._warning)}<table>{cells}</table>"
            f"<small>{escape(str(NOT_A_DIAGNOSIS()))}</small></div>"
        )

    @property
    def _warning(self) -> str:
        demo = "; a demonstration, of nobody" if self.view.subject.is_demo else ""
        simulated = "; estimates by heads of simulated labels say nothing about anybody"
        return f"{demo}{simulated if self.view.is_simulated else ''}"

    def _session_rows(self) -> list[tuple[pd.Timestamp, str, str]]:
        rows = []
        sessions: list[dict[str, Any]] = self.view.sessions.to_dict("records")  # type: ignore[assignment]
        for session in sessions:
            estimate = f"no estimate: {session['phq_unavailable']}"
            if pd.notna(session["phq_score"]):
                interval = f"{session['phq_level']:.0%} interval {session['phq_low']:.1f} to {session['phq_high']:.1f}"
                simulated = ", simulated" if session["phq_provenance"] == str(Provenance.SIMULATED) else ""
                estimate = f"{session['phq_scale']} estimate {session['phq_score']:.1f}, {interval}{simulated}"
            rows.append((session["recorded_at"], "session", f"{estimate}; face seen in {session['coverage']:.0%}"))
        return rows

    def _answer_rows(self) -> list[tuple[pd.Timestamp, str, str]]:
        answers = self.answers
        return [
            (at, "questionnaire", f"{scale} score {total}")
            for at, scale, total in zip(answers["answered_at"], answers["scale"], answers["total"], strict=True)
        ]


class NotebookStore:
    """An installation's store, of which a notebook reads people and trends. Each reading is an entry of the audit."""

    def __init__(self, settings: AppSettings) -> None:
        """Open the store.

        Args:
            settings: The installation.

        Raises:
            StoreError: There is no store, or its schema is not this code's.
        """
        self._settings = settings
        self._store = Store(settings.database_url, actor=lambda: Actor(PROGRAM, _user()))

    def people(self) -> pd.DataFrame:
        """Return a row for each person: label, is_demo, sessions, questionnaires, last_recorded_at (UTC)."""
        columns = ["label", "is_demo", "sessions", "questionnaires", "last_recorded_at"]
        people = self._store.subjects.list_all()
        self._store.audit.add(action="read", object_kind="subject", object_id="all", detail=f"{len(people)} subjects")
        return pd.DataFrame([[getattr(person, name) for name in columns] for person in people], columns=columns)

    def trend(self, name: str, *, model_id: str | None = None) -> Trend:
        """Return a person over time.

        Args:
            name: The person's label or id.
            model_id: Id of the only model whose analyses count; None for the active one, others where it has not
                analysed.

        Raises:
            StoreError: There is nobody of this name.
        """
        person = next((row for row in self._store.subjects.list_all() if name in (row.label, row.id)), None)
        if person is None:
            raise StoreError(messages.NO_SUBJECT(name=name[:200]))
        preferred = preferred_model(self._settings, self._store)
        view = load_trends_view(self._store, person, UTC, model_id=model_id, prefer_model=preferred)
        self._store.audit.add(action="read", object_kind="subject", object_id=person.id, detail="trend")
        return Trend(view)

    def close(self) -> None:
        """Give the connections back."""
        self._store.close()

    def __enter__(self) -> Self:
        """Return the open store."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()


def open_store() -> NotebookStore:
    """Open the installation's store (`FERPHQ_DATA_DIR`, `FERPHQ_DATABASE_URL`) to read people and trends.

    Raises:
        StoreError: There is no store, or its schema is not this code's.
    """
    return NotebookStore(load_settings())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return ""
