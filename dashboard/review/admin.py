"""Below a session: its metadata, downloads, consent and retention, re-analysis and erasure."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pandas as pd
import streamlit as st

from dashboard import context, loaders
from dashboard.charts import clock
from dashboard.exports.downloads import session_downloads
from dashboard.exports.masking import masked_export
from dashboard.i18n import _, mark, n_, render
from dashboard.i18n.numbers import decimal, percent
from dashboard.i18n.vocabulary import sampling_words
from dashboard.widgets import permission, ui
from dashboard.widgets.author import author_input
from dashboard.widgets.selection import forget_session
from dashboard.widgets.sound import choice_words
from db.records import AnalysisSummary, Consent, SessionDetail, SessionRecord
from service.jobs.sound import choice_of, enqueue_again, has_chosen_faces, keeps_faces
from service.lifecycle.consent import ConsentError, RetentionError, check_consent, keep_until, withdraw_consent
from service.lifecycle.erasure import erase_session
from service.views.review import person_number
from service.views.session import AnalysisView, SessionView

HOME = "app_pages/home.py"
PRECISIONS = {"fp32": mark("32-bit floats"), "int8": mark("8-bit integers")}
"""What a network computes in, in words."""


def admin_card(detail: SessionDetail, view: SessionView | None) -> None:
    """Draw everything about a session that is not its review.

    Args:
        detail: The session.
        view: The view of the analysis under review; None without one.
    """
    with st.expander(_("Details of the recording and the analysis")):
        recording_facts(detail.session)
        if view is not None:
            analysis_facts(view.analysis)
    if detail.is_withdrawn:
        ui.warn(_("The consent to this session was withdrawn: it is not analysed any more. It can be erased below."))
    with ui.card("admin"), st.container(horizontal=True, vertical_alignment="center"):
        if view is not None:
            session_downloads(view)
        if permission.may_change():
            changes(detail, view)
    if view is not None:
        lost_choice(view.analysis.summary)


def changes(detail: SessionDetail, view: SessionView | None) -> None:
    """Draw the buttons that change the session.

    Args:
        detail: The session.
        view: The view of the analysis under review; None without one.
    """
    if view is not None:
        refusal = consent_refusal(detail.session)
        explanation = refusal or _("With the active model; what is stored already is kept.")
        if st.button(_("Analyse again"), help=explanation, disabled=refusal is not None):
            enqueue_again(context.settings(), context.store(), view.analysis.summary)
            st.rerun()
    masked_export(detail.session)
    with st.popover(_("Consent and retention")):
        consent(detail.session)
        retention(detail.session)
    if st.button(_("Erase session"), type="tertiary", icon=":material/delete:"):
        st.dialog(_("Erase this session?"))(confirm_erasure)(detail)


def lost_choice(summary: AnalysisSummary) -> None:
    """Say where analysing again would not keep the subject's faces as a person chose them."""
    if has_chosen_faces(summary) and not keeps_faces(context.store(), summary):
        ui.note(
            _(
                "An earlier version made this analysis: analysing again does not keep the faces that were chosen by "
                "hand. Choose them again afterwards."
            )
        )


def consent_refusal(session: SessionRecord) -> str | None:
    """Return why a session is not analysed again; None where it may be."""
    try:
        check_consent(context.store(), session.id)
    except ConsentError as error:
        return render(error.message)
    return None


def recording_facts(session: SessionRecord) -> None:
    """Draw what the container and the upload said."""
    consent = session.consent
    ui.facts(
        [
            (_("File"), session.original_name),
            (_("Picture"), f"{session.width} × {session.height}, {session.codec}"),
            (_("Length"), f"{decimal(session.duration_s)} s"),
            (_("Rotation"), f"{session.rotation}°"),
            (_("Sound"), _("yes") if session.has_audio else _("no")),
            (_("Consent"), _consent_words(consent)),
            (_("Keep until"), ui.day(session.retain_until) if session.retain_until else _("erased by hand")),
            (_("Content hash"), session.media_sha256[:16] + "…"),
        ]
    )


def _consent_words(consent: Consent | None) -> str:
    if consent is None:
        return _("none recorded")
    return _("{day}, recorded by {name}").format(day=ui.day(consent.at), name=consent.by)


def _precision_words(precision: str) -> str:
    return _(PRECISIONS[precision]) if precision in PRECISIONS else _("not recorded")


def analysis_facts(view: AnalysisView) -> None:
    """Draw which model it was, how sampled, how long it took, and who was in view."""
    record = view.record
    summary = view.summary
    timing = record.timing
    seconds = _("decode {decode}, faces {faces}, model {model}").format(
        decode=decimal(timing.decode), faces=decimal(timing.detect), model=decimal(timing.embed + timing.heads)
    )
    frames = _("{seen} with the face of {all}").format(seen=summary.frames_with_face, all=summary.frames_sampled)
    st.divider()
    ui.facts(
        [
            (_("Model"), summary.model_id),
            (_("Sampling"), sampling_words(summary.sampling)),
            (_("Sound heard"), choice_words(choice_of(summary))),
            (_("Frames"), frames),
            (_("Analysed"), ui.day_and_time(summary.created_at)),
            (_("Seconds"), seconds),
            (_("Networks ran on"), timing.device or _("not recorded")),
            (_("Emotion network computed in"), _precision_words(timing.precision)),
            (_("Analysis"), summary.id),
        ]
    )
    if record.tracks:
        people = pd.DataFrame(
            {
                _("Person"): [
                    _("{person} (analysed)").format(person=person_number(t)) if t.is_subject else str(person_number(t))
                    for t in record.tracks
                ],
                _("Face track"): [t.track for t in record.tracks],
                _("Frames"): [t.frames for t in record.tracks],
                _("First seen"): [clock(t.first_s) for t in record.tracks],
                _("Last seen"): [clock(t.last_s) for t in record.tracks],
                _("Share of the picture"): [percent(t.mean_area, 1) for t in record.tracks],
            }
        )
        title = _("People in view")
        st.markdown(f"**{title}**")
        st.dataframe(people, hide_index=True)


def consent(session: SessionRecord) -> None:
    """Draw a form that records a consent given after the upload, or the withdrawal of one."""
    if session.consent is not None:
        words = _("Consent recorded by {name} on {moment}.")
        ui.note(words.format(name=session.consent.by, moment=ui.day_and_time(session.consent.at)))
        withdrawal(session)
        return
    by = author_input(_("Consent recorded by"), "late_consent_by")
    if st.button(_("The person has agreed"), disabled=not by):
        version = context.settings().consent_version
        now = Consent(at=datetime.now(UTC), by=by, text_version=version)
        context.store().sessions.record_consent(session_id=session.id, consent=now)
        st.rerun()


def withdrawal(session: SessionRecord) -> None:
    """Draw a form that withdraws a consent: the analysis stops, new ones are refused, and what is stored stays."""
    by = st.text_input(_("Withdrawal noted by"), key="withdrawn_by", max_chars=80)
    explanation = _("The analysis stops, and new ones are refused. What is stored stays until it is erased.")
    if st.button(_("Withdraw the consent"), disabled=not by.strip(), help=explanation):
        withdraw_consent(context.store(), session.id, by.strip())
        st.rerun()


def retention(session: SessionRecord) -> None:
    """Draw a form for the date until which the session may be kept."""
    current = session.retain_until.astimezone(ui.zone()).date() if session.retain_until else None
    until = st.date_input(_("Keep until"), value=current, format="YYYY-MM-DD")
    if st.button(_("Save"), disabled=until == current):
        at = datetime.combine(until, time(23, 59), tzinfo=ui.zone()) if until is not None else None
        try:
            keep_until(context.store(), session.id, at)
        except RetentionError as error:
            ui.warn(render(error.message))
            return
        st.rerun()


def confirm_erasure(detail: SessionDetail) -> None:
    """Ask once more, then erase rows and recording."""
    words = n_(
        "The session of **{label}** from {moment}, its recording and its {n} analysis will be removed for good. "
        "Questionnaires are kept.",
        "The session of **{label}** from {moment}, its recording and its {n} analyses will be removed for good. "
        "Questionnaires are kept.",
        len(detail.analyses),
        label=ui.md(detail.subject.label),
        moment=ui.day_and_time(detail.session.recorded_at),
    )
    st.markdown(words)
    sure = st.checkbox(_("I want to erase it"))
    if st.button(_("Erase"), type="primary", disabled=not sure):
        erase_session(context.settings(), context.store(), detail.session.id)
        loaders.forget()
        st.query_params.clear()
        forget_session()
        st.switch_page(HOME)
