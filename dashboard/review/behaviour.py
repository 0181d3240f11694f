"""Facial behaviour of a session: its episodes, which lead to their times, and the measures with what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st

from dashboard.charts.session.behaviour import EPISODES
from dashboard.components.timed_rows import Cell, TimedRow, timed_list
from dashboard.i18n import _
from dashboard.i18n.numbers import lasting, percent
from dashboard.i18n.vocabulary import measure_text
from dashboard.review.episodes import exact
from dashboard.review.state import go_to
from dashboard.trends.measures import explained
from dashboard.widgets import ui
from dashboard.widgets.behaviour import (
    MEANING,
    NO_EPISODES,
    NO_FACE,
    SHORT,
    STEADY_S,
    how_to_follow,
    missing_sentences,
)
from fer_phq.features.measures import BEHAVIOUR, TURNS, Measure
from service.views.face.behaviour import BehaviourView
from service.views.session import SessionView


def behaviour_list(view: SessionView, now_s: float) -> None:
    """Draw the episodes of facial behaviour as a list, or why there are none.

    Args:
        view: The session under review.
        now_s: The chosen moment in seconds.
    """
    behaviour = view.analysis.behaviour
    if behaviour is None:
        ui.empty(_("Facial behaviour was not measured"), how_to_follow(view.analysis.summary))
        return
    if not behaviour.has_face:
        ui.empty(_("No facial behaviour"), _(NO_FACE))
        return
    analysis_id = view.analysis.summary.id
    episodes = behaviour.episodes
    if not len(episodes):
        ui.empty(_("No episodes"), _(NO_EPISODES))
        ui.note(_(MEANING))
        return
    titles = {name: _(title) for name, title in EPISODES.items()}
    present = [name for name in EPISODES if (episodes["kind"] == name).any()]
    selection: list[str] = []
    if len(present) > 1:
        selection = st.pills(
            _("Episodes"), present, selection_mode="multi", format_func=titles.__getitem__,
            key=f"behaviour_names_{analysis_id}", help=_("Nothing chosen shows all of them."),
        )  # fmt: skip
    timed_list(
        [
            TimedRow(
                row["onset_s"],
                row["offset_s"],
                (
                    Cell(titles[row["kind"]]),
                    Cell(exact(row["onset_s"]), row["onset_s"]),
                    Cell(exact(row["offset_s"]), row["offset_s"]),
                    Cell(lasting(row["duration_s"], is_cut=row["cut"])),
                ),
            )
            for row in episodes[episodes["kind"].isin(selection or present)].to_dict("records")
        ],
        head=[_("Episode"), _("Onset"), _("Offset"), _("Duration")],
        columns="minmax(5.6rem, 1.6fr) repeat(2, minmax(2.9rem, 1fr)) minmax(3.4rem, 1fr)",
        now_s=now_s,
        label=_("Episodes of facial behaviour"),
        key=f"behaviour_{analysis_id}",
        on_seek=lambda time_s: go_to(view.session.id, time_s),
    )
    ui.note(_(MEANING))


def measures_card(view: SessionView) -> None:
    """Draw the measures of the session with their values, why some are missing, and what they mean.

    Those of turn taking stand with the speakers.
    """
    measured = [(measure, value) for measure, value in view.measures if measure.modality != TURNS]
    missing = [(measure, reason) for measure, reason in view.missing_measures if measure.modality != TURNS]
    if not measured and not missing:
        return
    with ui.card("measures", _("Measures of this session")):
        behaviour = view.analysis.behaviour
        left, right = st.columns(2, gap="medium")
        general = [(measure, value) for measure, value in measured if measure.modality != BEHAVIOUR]
        facial = [(measure, value) for measure, value in measured if measure.modality == BEHAVIOUR]
        with left:
            st.markdown("**" + _("Expression, voice and words") + "**")
            if general:
                st.html(measure_table(general))
            else:
                ui.note(_("Nothing measured yet"))
        with right:
            st.markdown("**" + _("Facial behaviour") + "**")
            if behaviour is None:
                ui.note(how_to_follow(view.analysis.summary))
            else:
                draw_facial(behaviour, facial, view)
        explained([measure for measure, _value in measured] + [measure for measure, _reason in missing])


def draw_facial(behaviour: BehaviourView, facial: list[tuple[Measure, float]], view: SessionView) -> None:
    """Draw the measures of facial behaviour, then those that are missing, by their reasons.

    Args:
        behaviour: The facial behaviour.
        facial: Its measures with their values.
        view: The session under review.
    """
    if not behaviour.has_face:
        ui.note(_(NO_FACE))
        return
    if facial:
        st.html(measure_table(facial))
        if words := rest_words(behaviour.rest):
            ui.note(words)
    if behaviour.recording_s < STEADY_S:
        ui.note(_(SHORT))
    for words in missing_sentences(view, BEHAVIOUR):
        ui.note(words)


def rest_words(rest: Mapping[str, float]) -> str:
    """Write what the face at rest is taken to be; nothing where mouth or brows were not seen.

    Args:
        rest: Of `BehaviourView.rest`.
    """
    if not {"mouthSmile", "browDown", "browInnerUp"} <= rest.keys():
        return ""
    template = _(
        "The person's own face at rest, as this session shows it: corners of the mouth drawn up by {smile} of the "
        "scale, brows lowered by {lowered}, inner brows raised by {raised}."
    )
    return template.format(
        smile=percent(rest["mouthSmile"]), lowered=percent(rest["browDown"]), raised=percent(rest["browInnerUp"])
    )


def measure_table(rows: list[tuple[Measure, float]]) -> str:
    """Write measures with their values as HTML.

    Args:
        rows: The measures and values.
    """
    cells = "".join(
        f"<tr><th>{escape(_(measure.title))}</th><td>{escape(measure_text(measure, value))}</td></tr>"
        for measure, value in rows
    )
    return f'<div class="fp-scroll"><table class="fp-table">{cells}</table></div>'
