"""How many clicks the main tasks take, each against its number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from recordings import Recordings
from served import CHROMIUM, PATIENCE_MS, calm, dashboard, eventually, opened, process
from shown_pages import answer
from synthetic_sessions import Plan, recording_info, synthetic_analysis

from dashboard.charts import clock
from db.store import Store
from fer_phq.core.analysis import SessionAnalysis, Settings
from fer_phq.core.emotions import EMOTIONS
from fer_phq.features.measures import versioned_measures
from service.settings import AppSettings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
COUNT = """addEventListener("click", (event) => {
  if (event.isTrusted && event.detail > 0) sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
}, true)"""
"""Counts the mouse's clicks on every page that is opened from then on; keys are none (their `detail` is 0)."""
FILE_DIALOG = 1
"""Clicks that open the browser's own dialog, which the test goes around."""


@pytest.fixture
def counted(page: Any) -> Any:
    """A browser tab that counts clicks."""
    page.add_init_script(COUNT)
    return page


def clicks(page: Any) -> int:
    return int(page.evaluate("Number(sessionStorage.clicks || 0)"))


def test_from_an_upload_to_its_result_are_four_clicks(
    installation: AppSettings, store: Store, recordings: Recordings, counted: Any
) -> None:
    with process("service.jobs.worker", installation), dashboard(installation) as address:
        opened(counted, f"{address}/new_session")
        counted.get_by_role("combobox", name="Subject").fill("P-001")
        counted.keyboard.press("Enter")
        counted.get_by_text("has agreed").click()
        counted.get_by_label("Consent recorded by").fill("AB")
        counted.get_by_role("button", name="Continue to upload").click()
        recording = str(recordings(motion="moving", seconds=4, audio=True))
        counted.locator("[data-testid=fp-upload]").set_input_files([recording])
        result = counted.locator("[class*=st-key-card_progress] [data-testid=stPageLink] a").first
        result.click(timeout=3 * PATIENCE_MS)  # the worker loads the model first
        counted.wait_for_selector("[class*=st-key-card_estimate]")
        assert clicks(counted) + FILE_DIALOG == 4
        calm(counted)


def test_the_strongest_smile_is_two_clicks_away(installation: AppSettings, store: Store, counted: Any) -> None:
    session_id, analysis = session(store, days=1, seconds=600)
    happiness = analysis.timeline.emotions[:, EMOTIONS.index("happiness")]
    strongest_s = float(analysis.timeline.time_s[np.nanargmax(happiness)])
    with dashboard(installation) as address:
        opened(counted, f"{address}/session?session={session_id}")
        counted.get_by_role("button", name="Happiness", exact=True).click()
        rows = counted.get_by_role("list", name="Expression episodes").locator("li")
        eventually(counted, lambda: all("Happiness" in row for row in rows.all_inner_texts()))
        rows.first.locator("button").nth(1).click()
        counted.get_by_role("heading", name=f"At {clock(strongest_s)}", exact=True).wait_for()
        assert clicks(counted) == 2
        calm(counted)


def test_the_session_before_is_compared_without_a_click(installation: AppSettings, store: Store, counted: Any) -> None:
    session(store, days=8)
    session_id, _analysis = session(store, days=1)
    with dashboard(installation) as address:
        opened(counted, f"{address}/session?session={session_id}")
        counted.locator("[class*=st-key-card_pair]").get_by_text("(this session)").wait_for()
        assert clicks(counted) == 0


def test_somebody_who_is_worse_is_one_click_from_home(installation: AppSettings, store: Store, counted: Any) -> None:
    subject = store.subjects.create(label="P-1")
    answer(store, subject.id, [9, 17], first=datetime.now(UTC) - timedelta(weeks=2))
    with dashboard(installation) as address:
        opened(counted, address)
        counted.locator("[class*=st-key-card_people]").get_by_role("link", name="P-1").click()
        counted.get_by_role("heading", name="P-1").wait_for()
        assert clicks(counted) == 1
        assert f"subject={subject.id}" in counted.url
        calm(counted)


def test_the_jump_list_needs_one_click(installation: AppSettings, store: Store, counted: Any) -> None:
    for week in range(4):
        session(store, days=7 * week + 1)
    (subject,) = store.subjects.list_all()
    with dashboard(installation) as address:
        opened(counted, f"{address}/trends?subject={subject.id}")
        counted.get_by_role("navigation", name="On this page").get_by_role("link", name="Two periods").click()
        title = counted.get_by_role("heading", name="Compare two periods")
        eventually(counted, lambda: title.evaluate("h => h.getBoundingClientRect().top < innerHeight"))
        assert clicks(counted) == 1
        assert f"subject={subject.id}" in counted.url, "the person on show stays"
        calm(counted)


def session(store: Store, *, days: int, seconds: int = 60) -> tuple[str, SessionAnalysis]:
    """A session of one person some days ago: its id, and its analysis."""
    subject = store.subjects.get_or_create(label="P-001")
    made = store.sessions.create(
        subject_id=subject.id,
        recorded_at=datetime.now(UTC) - timedelta(days=days),
        recording=recording_info(days, seconds),
        original_name=f"{days}.mp4",
        media_path=None,
    )
    analysis = synthetic_analysis(days, Plan(seconds=seconds))
    store.analyses.save(session_id=made.id, analysis=analysis, measures=versioned_measures(analysis, Settings()))
    return made.id, analysis
