"""The Session page in a real browser: every row and list leads to its moment, and the lines over the chart follow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from served import CHROMIUM, calm, click_chart, dashboard, eventually, opened
from synthetic_sessions import Plan, synthetic_analysis

from db.store import Store
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.voice.kinds import COLUMNS, KIND
from service.settings import AppSettings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def voiced(store: Store) -> str:
    """The newest session that plays, with an analysis that has a voice, and with a transcript."""
    row = next(row for row in store.sessions.list_recent(limit=50) if row.session.media_path)
    session = row.session
    assert row.analysis is not None
    known = store.analyses.load_session_analysis(analysis_id=row.analysis.id)
    made = synthetic_analysis(3, Plan(seconds=3, fps=8, coverage=1.0, model_id="voiced-11111111"), known.recording)
    values = np.full((30, len(COLUMNS)), 0.9, np.float32)
    voice = FeatureSeries(values, (np.arange(30) + 0.5) / 10, KIND, COLUMNS)
    store.analyses.save(session_id=session.id, analysis=replace(made, voice=voice))
    document = b"WEBVTT\n\n00:00.200 --> 00:00.900\n<v Client>Yes.\n\n00:01.500 --> 00:02.500\n<v Client>I was.\n"
    store.transcripts.save(session_id=session.id, original_name="one.vtt", document=document)
    return session.id


def test_every_row_and_every_list_leads_to_its_moment(
    filled: AppSettings, installation: AppSettings, store: Store, page: Any
) -> None:
    session_id = voiced(store)
    with dashboard(installation) as address:
        opened(page, f"{address}/session?session={session_id}")
        video = page.locator("video")
        eventually(page, lambda: video.evaluate("v => v.readyState >= 1"))
        plot = page.locator("[class*=st-key-timeline_] .js-plotly-plot")
        plot.locator(".main-svg").first.wait_for()
        plot.evaluate("p => { p.dataset.seen = 'before'; }")
        rows = plot.locator(".nsewdrag")
        assert rows.count() >= 6, "emotions, coverage, transcript, speech, loudness, pitch"
        for number in range(rows.count()):
            share = 0.25 if number % 2 else 0.75
            eventually(page, lambda n=number, s=share: click_chart(page, rows.nth(n), s, lambda height: height / 2))
            first, last = plot.evaluate("p => p._fullLayout.xaxis.range")
            expected = first + share * (last - first)
            eventually(page, lambda e=expected: abs(video.evaluate("v => v.currentTime") - e) < 0.2)
            eventually(page, lambda: abs(line_at(plot) - video.evaluate("v => v.currentTime")) < 0.1)
        assert plot.evaluate("p => p.dataset.seen") == "before", "the chart was built anew"
        page.get_by_role("tab", name="Transcript").click()
        page.locator("ol[aria-label=Transcript] li").nth(1).click()
        eventually(page, lambda: abs(video.evaluate("v => v.currentTime") - 1.5) < 0.06)
        page.locator("ol[aria-label=Transcript] li[aria-current]", has_text="I was.").wait_for()
        calm(page)


def test_a_note_with_a_new_tag_and_a_line_that_follows_the_recording(
    filled: AppSettings, installation: AppSettings, store: Store, page: Any
) -> None:
    session_id = voiced(store)
    with dashboard(installation) as address:
        opened(page, f"{address}/session?session={session_id}")
        video = page.locator("video")
        eventually(page, lambda: video.evaluate("v => v.readyState >= 3"))
        page.get_by_role("button", name="Write a note at").click()
        page.get_by_label("Note", exact=True).fill("looks away")
        page.get_by_role("combobox", name="Tag").fill("gaze")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Keep note").click()
        eventually(page, lambda: [note.tag for note in store.notes.list_by_session(session_id=session_id)] == ["gaze"])
        page.get_by_role("tab", name="Notes (1)").wait_for()
        page.keyboard.press("Escape")
        video.evaluate("v => { v.muted = true; v.loop = true; v.play(); }")
        line = page.locator("[class*=st-key-timeline_] .fp-now")
        line.wait_for(state="attached")
        begun = line.evaluate("e => e.style.transform")
        eventually(page, lambda: line.evaluate("e => e.style.transform") != begun)
        video.evaluate("v => v.pause()")
        line.wait_for(state="hidden")
        calm(page)


def line_at(plot: Any) -> float:
    """Where on the time axis the line of the chosen moment stands; -1 while there is none."""
    return float(
        plot.evaluate(
            """p => {
                const line = p.querySelector(".fp-moment"), axis = p._fullLayout.xaxis;
                if (!line) return -1;
                return axis.p2l(line.getBoundingClientRect().x + 1 - p.getBoundingClientRect().x - axis._offset);
            }"""
        )
    )
