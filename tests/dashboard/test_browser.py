"""The real application in a real browser: every page, playback, a click on the timeline, and an upload to its charts.

Starts `python -m dashboard.launch` and `python -m service.jobs.worker` as processes of their own.
"""

from __future__ import annotations

from typing import Any

import pytest
from recordings import Recordings
from served import CHROMIUM, PAGES, PATIENCE_MS, calm, click_timeline, dashboard, eventually, opened, process

from db.store import Store
from service.settings import AppSettings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def test_every_page_of_a_filled_store(filled: AppSettings, installation: AppSettings, page: Any) -> None:
    foreign: list[str] = []
    page.on(
        "request", lambda r: None if "127.0.0.1" in r.url or r.url[:5] in ("data:", "blob:") else foreign.append(r.url)
    )
    with dashboard(installation) as address:
        for name in PAGES:
            opened(page, f"{address}/{name}")
            if name in ("session", "trends"):
                page.wait_for_selector(".js-plotly-plot .main-svg")
        assert foreign == [], "the dashboard asked another host for something"
        opened(page, address)
        page.locator("[class*=st-key-card_recent] [data-testid=stPageLink] a").first.click()
        page.wait_for_selector("[class*=st-key-card_timeline]")
        assert "session=" in page.url
        calm(page)


def test_the_recording_plays_and_the_timeline_steers_it(
    filled: AppSettings, installation: AppSettings, page: Any
) -> None:
    with dashboard(installation) as address:
        opened(page, f"{address}/session")
        video = page.locator("video")
        eventually(page, lambda: video.evaluate("v => v.readyState >= 1"))
        assert video.evaluate("v => v.duration") == pytest.approx(3, abs=0.3)
        eventually(page, lambda: click_timeline(page, 0.7))
        eventually(page, lambda: video.evaluate("v => v.currentTime > 1"))
        page.locator("[class*=st-key-card_moment] h3", has_text="At 0:0").wait_for()
        calm(page)


def test_a_point_and_a_row_of_the_cohort_lead_to_a_person(
    filled: AppSettings, installation: AppSettings, store: Store, page: Any
) -> None:
    people = {subject.id: subject.label for subject in store.subjects.list_all()}
    with dashboard(installation) as address:
        opened(page, f"{address}/cohort")
        point = page.locator("[class*=st-key-spread_expressivity] .scatterlayer .point").first
        eventually(page, lambda: clicked_through(page, point))
        shown = page.url.rsplit("subject=", 1)[1]
        page.get_by_role("heading", name=people[shown]).wait_for()
        calm(page)
        opened(page, f"{address}/cohort")
        box = page.locator("[data-testid=stDataFrame]").bounding_box()
        page.mouse.click(box["x"] + 17, box["y"] + 55)
        page.get_by_role("link", name="Open trends").click()
        page.get_by_role("heading", name=min(people.values())).wait_for()
        calm(page)


def clicked_through(page: Any, point: Any) -> bool:
    """Click a point of a chart; whether another page came."""
    if "trends" in page.url:
        return True
    if point.count():
        point.scroll_into_view_if_needed()
        box = point.bounding_box()
        page.mouse.move(box["x"] - 4, box["y"] - 4)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=3)
        page.wait_for_timeout(300)
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(1500)
    return "trends" in page.url


def test_an_upload_becomes_charts_and_can_be_erased(
    installation: AppSettings, store: Store, recordings: Recordings, page: Any
) -> None:
    """The main job: upload a real recording, watch it being analysed by a real worker, see its charts."""
    with process("service.jobs.worker", installation), dashboard(installation) as address:
        opened(page, f"{address}/new_session")
        page.get_by_role("combobox", name="Subject").fill("P-001")
        page.keyboard.press("Enter")
        page.get_by_text("has agreed").click()
        page.get_by_label("Consent recorded by").fill("AB")
        page.get_by_role("button", name="Continue to upload").click()
        files = [str(recordings(motion="moving", seconds=4, audio=True)), str(recordings.text())]
        page.locator("[data-testid=fp-upload]").set_input_files(files)
        page.locator("li.done").wait_for()
        assert "Uploaded" in page.locator("li.done").inner_text()
        page.locator("li.failed").wait_for()
        assert "is not a video file" in page.locator("li.failed").inner_text()
        page.get_by_text("Analysed.", exact=True).wait_for(timeout=3 * PATIENCE_MS)  # the worker loads the model first
        (row,) = store.sessions.list_recent()
        assert row.subject_label == "P-001"
        assert row.session.consent is not None
        assert row.session.consent.by == "AB"
        page.locator("[class*=st-key-card_progress] [data-testid=stPageLink] a").first.click()
        page.wait_for_selector("[class*=st-key-card_timeline] .js-plotly-plot .main-svg")
        eventually(page, lambda: page.locator("video").evaluate("v => v.duration > 0"))
        page.wait_for_selector("[class*=st-key-card_estimate]")
        calm(page)
        (row,) = store.sessions.list_recent()
        assert row.analysis is not None
        assert row.analysis.coverage > 0.8
        erase(page, installation)
        assert store.sessions.list_recent() == []


def erase(page: Any, settings: AppSettings) -> None:
    """Erase the session on show: it asks first, and then neither rows nor the recording remain."""
    page.get_by_role("button", name="Erase session").click()
    page.get_by_role("dialog").get_by_text("I want to erase it").click()
    page.get_by_role("dialog").get_by_role("button", name="Erase", exact=True).click()
    page.get_by_role("button", name="Load the demonstration").wait_for()
    assert [path for path in settings.media_dir.rglob("*") if path.is_file()] == []
