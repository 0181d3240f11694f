"""Home: who and what needs attention, what is being analysed, and the recent sessions."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboard import context
from dashboard.home.people import people_card
from dashboard.i18n import _, mark, n_, render
from dashboard.widgets import permission, ui
from dashboard.widgets.jobs import live_jobs, worker_warning
from db.records import LIVE_STATES, AttentionItem, AttentionKind, JobView, SessionSummary
from fer_phq.core.errors import FerPhqError
from service.demo import queue_demo
from service.views.overview.triage import load_triage_view

PAGE_SIZE = 12
ALERTS = 6
WORDS = {
    AttentionKind.FAILED_JOB: mark("Analysis failed"),
    AttentionKind.LOW_COVERAGE: mark("Low coverage"),
    AttentionKind.CONSENT_WITHDRAWN: mark("Consent withdrawn"),
    AttentionKind.NO_CONSENT: mark("No consent recorded"),
    AttentionKind.PAST_RETENTION: mark("Keep-until date passed"),
}
SENTENCES = {
    AttentionKind.CONSENT_WITHDRAWN: mark("It is not analysed any more. Erase the session, unless it has to be kept."),
    AttentionKind.NO_CONSENT: mark("Ask for consent and record it, or erase the session."),
    AttentionKind.PAST_RETENTION: mark("Erase the session, or extend how long it may be kept."),
}

PURPOSE = mark(
    "fer-phq finds the face and the voice of a person in the video of a session, draws a timeline of seven emotions, "
    "measures facial behaviour, speech and words, and gives a PHQ estimate with an interval. It works on this machine "
    "and sends nothing elsewhere."
)
DEMONSTRATION = mark(
    "The demonstration is a made-up person with six short, rendered recordings and made-up questionnaires, all marked. "
    "What the person shows follows the questionnaires. The estimates are computed from the recordings, by heads that "
    "learned from simulated people: they follow, nearer to the middle, in sessions chosen to show it. "
    "It can be erased on Trends at any time."
)


def attention(items: list[AttentionItem]) -> None:
    """Draw what sessions need, most urgent first."""
    with ui.card("attention", _("Sessions that need attention")):
        count = len(items) if st.session_state.get("all_alerts") else ALERTS
        for item in items[:count]:
            words, action = st.columns([0.8, 0.2], vertical_alignment="center")
            sentence = _(SENTENCES.get(item.kind, "")) or ui.sentence(render(item.detail))
            words.html(
                f'<div class="fp-alert"><b>{ui.text(_(WORDS[item.kind]))}</b>'
                f"<span>{ui.text(item.subject_label)}, {ui.day(item.at)}. {ui.text(sentence)}</span></div>"
            )
            action.page_link(ui.SESSION, label=_("Open session"), query_params={"session": item.session_id or ""})
        if len(items) > count:
            st.button(
                _("Show all {n}").format(n=len(items)),
                on_click=lambda: st.session_state.update(all_alerts=True),
                type="tertiary",
            )


def running(live: list[JobView]) -> None:
    """Draw the jobs in the queue and at work."""
    with ui.card("running", _("Being analysed")):
        worker_warning()
        rows = [(view.job.session_id, f"{view.subject_label} · {view.original_name}") for view in reversed(live)]
        live_jobs(rows[:PAGE_SIZE], key="home_jobs")
        if len(rows) > PAGE_SIZE:
            ui.note(n_("{n} more are waiting.", "{n} more are waiting.", len(rows) - PAGE_SIZE))


def recent(rows: list[SessionSummary], limit: int) -> None:
    """Draw the newest sessions with their results, and a button for more.

    Args:
        rows: Sessions, newest first.
        limit: The most of them to draw.
    """
    with ui.card("recent", _("Recent sessions")):
        ui.session_rows(rows[:limit])
        if len(rows) > limit:
            st.button(
                _("Show more"),
                on_click=lambda: st.session_state.update(home_limit=limit + 2 * PAGE_SIZE),
                type="tertiary",
            )


def welcome() -> None:
    """Draw what the product is, a picture of a result, and what to do first."""
    with ui.card("welcome"):
        words, picture = st.columns([0.46, 0.54], gap="large", vertical_alignment="center")
        with words:
            st.subheader(_("What a recording of a session shows"))
            st.markdown(_(PURPOSE))
            if permission.may_change():
                first_steps()
            else:
                permission.reading_note()
        alternative = ui.text(_("The Session page of the demonstration: player, emotions of a moment, timeline."))
        picture.html(
            f'<img class="fp-picture" src="app/static/result-{context.colours().mode}.webp" alt="{alternative}">'
        )


def first_steps() -> None:
    """Draw the two ways to a first result."""
    upload, demonstration = st.columns(2)
    if upload.button(_("Upload a recording"), type="primary", width="stretch"):
        st.switch_page(ui.NEW_SESSION)
    if demonstration.button(_("Load the demonstration"), width="stretch"):
        try:
            queue_demo(context.settings(), context.store())
        except FerPhqError as error:
            ui.problem(error)
        else:
            st.rerun()
    ui.note(_(DEMONSTRATION))


ui.heading(_("Home"))
store = context.store()
preferred = context.preferred_model()
limit = int(st.session_state.get("home_limit", PAGE_SIZE))
sessions = store.sessions.list_recent(limit=limit + 1, prefer_model=preferred)
live = store.jobs.list_newest(states=LIVE_STATES)
settings = context.settings()
triage = load_triage_view(
    store,
    now=datetime.now(UTC),
    coverage_floor=settings.coverage_floor,
    due_days=settings.questionnaire_days,
    prefer_model=preferred,
)
if sessions or triage.people:
    people_card(triage.people, settings.questionnaire_days)
if live:
    running(live)
if triage.sessions:
    attention(list(triage.sessions))
if sessions:
    recent(sessions, limit)
else:
    welcome()
