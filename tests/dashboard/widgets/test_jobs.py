"""Jobs as rows of a page: what is drawn when one ends between two looks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from analysis_samples import new_session, sample_analysis, sample_estimate
from shown_pages import calm, html_of, open_page

from dashboard.new_session.arrivals import ARRIVED, Arrival
from dashboard.widgets import jobs
from db.records import JobState
from db.store import Store
from fer_phq.core.analysis import Settings
from fer_phq.core.messages import literal
from fer_phq.core.phq import PhqUnavailable, UnavailableReason
from service.jobs import queue
from service.jobs.queue import JobStatus
from service.settings import AppSettings


def test_the_run_that_sees_a_job_end_asks_for_the_next_before_it_says_so(
    installation: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said earlier, it invites a click on the link beside it while the next run begins, which loses the click."""
    session = new_session(store, store.subjects.create(label="P-1").id, is_demo=True)
    job_id = queue.enqueue_analysis(installation, store, session.id).id
    draw, ask = jobs.job_row, queue.session_job
    looks: list[str] = []

    def look(*arguments: Any) -> JobStatus | None:
        status = ask(*arguments)
        assert status is not None
        looks.append(status.state)
        if len(looks) == 1:
            store.jobs.set_state(job_id=job_id, state=JobState.CANCELLED)
        return status

    rows: list[str] = []

    def draw_noted(job: JobStatus, label: str, *, link: bool = True) -> None:
        rows.append(job.state)
        draw(job, label, link=link)

    app = open_page("new_session")
    app.session_state[ARRIVED] = {session.id: Arrival(session.id, "P-1 · one.mp4", duplicate=False)}
    monkeypatch.setattr(queue, "session_job", look)
    monkeypatch.setattr(jobs, "job_row", draw_noted)
    app.run()
    assert "Cancelled." in html_of(app)
    assert looks == ["queued", "cancelled", "cancelled", "cancelled"], "two runs, two looks each"
    assert rows == ["cancelled"], "drawn by the second run alone"


@pytest.mark.parametrize("phq", [None, PhqUnavailable(UnavailableReason.LOW_COVERAGE)], ids=["estimate", "none"])
def test_a_job_that_is_done_shows_its_result(
    installation: AppSettings, store: Store, phq: PhqUnavailable | None
) -> None:
    session = new_session(store, store.subjects.create(label="P-1").id, is_demo=True)
    job_id = queue.enqueue_analysis(installation, store, session.id).id
    analysis = replace(
        sample_analysis(phq=phq or sample_estimate(7.5)), warnings=(literal("The sound is very quiet in places."),)
    )
    store.analyses.save(session_id=session.id, analysis=analysis, settings=Settings())
    for state in (JobState.RUNNING, JobState.DONE):
        store.jobs.set_state(job_id=job_id, state=state)
    app = open_page("new_session")
    app.session_state[ARRIVED] = {session.id: Arrival(session.id, "P-1 · one.mp4", duplicate=False)}
    app.run()
    shown = html_of(calm(app))
    assert "Analysed." in shown
    assert f"{analysis.coverage:.0%}".replace("%", " %") in shown
    assert "fp-mix" in shown
    assert "The sound is very quiet in places." in shown
    assert ("8 (" in shown) == (phq is None)
    if phq is not None:
        assert str(phq.message)[1:] in shown, "as a sentence"
