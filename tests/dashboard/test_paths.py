"""Three people's ways through the dashboard, in a real browser, on real data.

A therapist reviews a session and takes its report along; a study's coordinator finds somebody among 200 recordings and
takes the table along; an engineer compares two models and puts one to work.
"""

from __future__ import annotations

import io
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pypdf import PdfReader
from recordings import Recordings
from served import CHROMIUM, PATIENCE_MS, calm, click_timeline, dashboard, eventually, opened, process
from synthetic_sessions import Plan, recording_info, synthetic_analysis

from db.store import Store
from fer_phq.core.phq import Scale
from fer_phq.models.checkpoint import SHIPPED, read_bundle, write_config
from service.models.active_model import active_model
from service.settings import AppSettings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
TODAY = datetime.now(UTC)


def taken(page: Any, button: str, *, exact: bool = False) -> bytes:
    """What the last button of a name downloads."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=exact).last.click()
    return Path(waiting.value.path()).read_bytes()


def test_a_therapist_reviews_a_session_and_takes_the_report(
    installation: AppSettings, store: Store, recordings: Recordings, page: Any
) -> None:
    with process("service.jobs.worker", installation), dashboard(installation) as address:
        opened(page, f"{address}/new_session")
        page.get_by_role("combobox", name="Subject").fill("P-001")
        page.keyboard.press("Enter")
        page.get_by_text("has agreed").click()
        page.get_by_label("Consent recorded by").fill("AB")
        page.get_by_role("button", name="Continue to upload").click()
        recording = str(recordings(motion="moving", seconds=6, audio=True))
        page.locator("[data-testid=fp-upload]").set_input_files([recording])
        page.get_by_text("Analysed.", exact=True).wait_for(timeout=3 * PATIENCE_MS)  # the worker loads the model first
        page.locator("[class*=st-key-card_progress] [data-testid=stPageLink] a").first.click()
        page.wait_for_selector("[class*=st-key-card_timeline] .js-plotly-plot .main-svg")
        video = page.locator("video")
        eventually(page, lambda: video.evaluate("v => v.readyState >= 1"))
        eventually(page, lambda: click_timeline(page, 0.6))
        eventually(page, lambda: video.evaluate("v => v.currentTime > 2"))
        store.notes.add(session_id=store.sessions.list_recent()[0].session.id, time_s=3.0, words="laughs", tag="warmth")
        calm(page)
        page.reload()
        page.wait_for_selector("[class*=st-key-card_timeline] .js-plotly-plot .main-svg")
        reader = PdfReader(io.BytesIO(taken(page, "Report (PDF)")))
        html = taken(page, "Report (HTML)").decode()
    said = " ".join(" ".join(one.extract_text().split()) for one in reader.pages)
    for wanted in ("P-001", "PHQ estimate", "warmth", "laughs", "recorded by AB", read_bundle(SHIPPED).model_id):
        assert wanted in said
        assert wanted in html
    assert all("Not a diagnosis." in one.extract_text() for one in reader.pages)


def test_a_coordinator_finds_somebody_among_200_recordings(installation: AppSettings, store: Store, page: Any) -> None:
    for person in range(40):
        subject = store.subjects.create(label=f"S-{person:02d}")
        store.subjects.set_tags(subject_id=subject.id, tags=["waitlist" if person % 2 else "treatment"])
        for number in range(5):
            seed = person * 10 + number
            session = store.sessions.create(
                subject_id=subject.id,
                recorded_at=TODAY - timedelta(days=70 - 14 * number, hours=person),
                recording=recording_info(seed, 30),
                original_name=f"{seed}.mp4",
                media_path=None,
            )
            plan = Plan(seconds=30, severity=0.8 if person == 7 else 0.3)
            store.analyses.save(session_id=session.id, analysis=synthetic_analysis(seed, plan))
    with dashboard(installation) as address:
        opened(page, f"{address}/cohort")
        page.get_by_text("40 people · 200 analysed sessions").wait_for()
        page.get_by_role("combobox", name="Tags", exact=True).click()
        page.get_by_role("option", name="waitlist").click()
        page.keyboard.press("Escape")
        page.get_by_text("20 people · 100 analysed sessions").wait_for()
        page.get_by_role("button", name="Data").click()
        table = pd.read_csv(io.BytesIO(taken(page, "CSV", exact=True)))
        page.keyboard.press("Escape")
        calm(page)
    assert len(table) == 100
    assert set(table["label"]) == {f"S-{person:02d}" for person in range(1, 40, 2)}
    assert table.groupby("label")["neutral"].mean().notna().all()


def test_an_engineer_compares_two_models_and_puts_one_to_work(
    installation: AppSettings, store: Store, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(installation.data_dir))
    folder = shutil.copytree(SHIPPED, installation.data_dir / "models" / "second")
    bundle = read_bundle(folder)
    write_config(folder, bundle.config.__class__(**{**vars(bundle.config), "name": "second"}))
    other = read_bundle(folder).model_id
    subject = store.subjects.create(label="P-001")
    for number in range(6):
        session = store.sessions.create(
            subject_id=subject.id,
            recorded_at=TODAY - timedelta(days=7 * number + 1),
            recording=recording_info(number, 30),
            original_name=f"{number}.mp4",
            media_path=None,
        )
        for model_id, severity in ((read_bundle(SHIPPED).model_id, 0.2), (other, 0.9)):
            plan = Plan(seconds=30, severity=severity, model_id=model_id)
            store.analyses.save(session_id=session.id, analysis=synthetic_analysis(number, plan))
    store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ8, items=[1] * 8, answered_at=TODAY - timedelta(days=2)
    )
    with dashboard(installation) as address:
        opened(page, f"{address}/models")
        card = page.locator("[class*=st-key-card_comparison]")
        card.get_by_text("6 sessions of 1 person", exact=True).wait_for()
        card.get_by_text("Mean error, second").wait_for()
        page.wait_for_selector("[class*=st-key-card_comparison] .js-plotly-plot .main-svg")
        page.locator("[class*=st-key-card_bundle]", has_text=other).get_by_role("button", name="Use this model").click()
        page.get_by_role("dialog").get_by_role("button", name="Use it for new analyses").click()
        eventually(page, lambda: active_model(installation, store) == other)
        page.locator("[class*=st-key-card_in_use]", has_text=other).wait_for()
        calm(page)
        opened(page, f"{address}/session")
        page.locator("dd", has_text=other).first.wait_for(state="attached")
        calm(page)
