"""A page of the dashboard as Streamlit's own test runner shows it, for tests of single pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from html import unescape
from pathlib import Path

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from synthetic_sessions import Plan, recording_info, synthetic_analysis

from db.records import Consent
from db.store import Store
from fer_phq.core.phq import Scale

# Streamlit's test runner reads the metadata of every installed package for every page: once is enough.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)

MAIN = Path(__file__).parents[1] / "dashboard" / "main.py"
WHEN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def open_page(name: str, **query: str) -> AppTest:
    """A page, run once; it must not show an error."""
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    if name != "home":  # the page of the first run
        app.switch_page(f"app_pages/{name}.py")
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    return calm(app)


def calm(app: AppTest) -> AppTest:
    """The page, which shows neither an exception nor an error box."""
    assert not app.exception, [e.value for e in app.exception]
    assert not app.error, [e.value for e in app.error]
    return app


def press(app: AppTest, label: str) -> AppTest:
    """Press the button with this label."""
    next(button for button in app.button if button.label == label).click()
    return calm(app.run())


def html_of(app: AppTest) -> str:
    """All HTML of a page, its signs unescaped."""
    return unescape(raw_html_of(app))


def raw_html_of(app: AppTest) -> str:
    """All HTML of a page as the browser gets it."""
    return " ".join(str(getattr(node.proto, "body", "")) for node in app.main if node.type == "html")


def words(app: AppTest) -> str:
    """Everything a page says, labels and HTML included, as one text."""
    return " ".join(str(getattr(node, "proto", "")) for node in app.main)


def tables(app: AppTest) -> str:
    """Every table of a page as one text of rows."""
    return " ".join(str(frame.value.to_dict("records")) for frame in app.dataframe)


def bare_session(store: Store, label: str) -> str:
    """A session without an analysis and without its recording's file."""
    session = store.sessions.create(
        subject_id=store.subjects.get_or_create(label=label).id,
        recorded_at=WHEN,
        recording=recording_info(5, 90.0),
        original_name="one.mp4",
        media_path=None,
        consent=Consent(at=WHEN, by="AB", text_version="1"),
    )
    return session.id


def answer(
    store: Store, subject_id: str, totals: Sequence[int], scale: Scale = Scale.PHQ9, first: datetime = WHEN
) -> None:
    """Questionnaires two weeks apart; item 9 is 0."""
    for k, total in enumerate(totals):
        items = [total // 8 + (i < total % 8) for i in range(8)] + [0] * (scale.items - 8)
        store.questionnaires.save(
            subject_id=subject_id, scale=scale, items=items, answered_at=first + timedelta(weeks=2 * k)
        )


def estimated(store: Store, subject_id: str, plan: Plan, at: datetime) -> None:
    """A session with the plan's analysis and no recording's file."""
    info = recording_info(at.toordinal(), plan.seconds)
    session = store.sessions.create(
        subject_id=subject_id, recorded_at=at, recording=info, original_name="one.mp4", media_path=None
    )
    store.analyses.save(session_id=session.id, analysis=synthetic_analysis(5, plan, info))


def plain(said: str) -> str:
    """A chart's words with the signs that its JSON writes as numbers."""
    return said.replace("\\\\u003c", "<").replace("\\\\u003e", ">")
