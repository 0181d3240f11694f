"""Training a PHQ head from the stored sessions, and scoring them again: forms, progress and results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape

import pandas as pd
import streamlit as st

from dashboard import charts, context
from dashboard.i18n import _, mark, n_, render
from dashboard.i18n.vocabulary import modality_list
from dashboard.models.bundle_card import card_anchor
from dashboard.widgets import permission, ui
from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Scale
from fer_phq.models.checkpoint import Bundle
from fer_phq.models.head_report import FEWEST_SESSIONS, FEWEST_SUBJECTS, RIDGE_ONLY_BELOW, TrainingStep
from service.models import head_training, rescoring
from service.models.active_model import active_bundle
from service.models.head_training import HeadTraining
from service.models.labelled_sessions import LONGEST_DAYS, WITHIN_DAYS, LabelledSessions, find_labelled_sessions
from service.models.task import Task, TaskState

LIVE_SECONDS = 2.0
EITHER = mark("The more frequent")
LEAD = mark(
    "A PHQ head learns from this installation's own sessions: those whose person answered a questionnaire near the "
    "recording. It takes what is stored, so no recording is needed, and nothing leaves this machine. The new model "
    "appears below with its report; it is not used before a person chooses it."
)


def training_card() -> None:
    """Draw the form, or the training that runs."""
    with ui.card("training", _("Train from your sessions")):
        task = head_training.status(context.settings())
        if task is not None and task.state is TaskState.RUNNING:
            running_task(
                "training",
                _("Training {name}").format(name=task.name),
                lambda: head_training.status(context.settings()),
                stop_training,
            )
            return
        ui.note(_(LEAD))
        if refusal := permission.administration_refusal():
            ui.note(refusal)
        elif missing := head_training.missing_packages():
            ui.note(render(missing))
        else:
            training_form()
        if task is not None:
            training_result(task)


def training_form() -> None:
    """Draw what to train, how much there is to learn from, and the button."""
    name_column, scale_column, days_column = st.columns([0.4, 0.3, 0.3])
    bundle_name = name_column.text_input(
        _("Name of the new model"), placeholder="clinic-2026", max_chars=head_training.LONGEST_NAME, key="training_name"
    ).strip()
    scale_choice = scale_column.selectbox(
        _("Questionnaires"), [EITHER, *map(str, Scale)], key="training_scale", format_func=_
    )
    within = days_column.number_input(
        _("Answered within days of the recording"), 1, int(LONGEST_DAYS), int(WITHIN_DAYS), key="training_days",
        help=_("A PHQ asks about the last two weeks"),
    )  # fmt: skip
    quick = st.checkbox(_("Quick: only the simplest model, judged once instead of three times"), key="training_quick")
    scale = None if scale_choice == EITHER else Scale(scale_choice)
    try:
        kind = active_bundle(context.settings(), context.store()).face_kind
        labelled = find_labelled_sessions(context.store(), kind, scale, within)
    except FerPhqError as error:
        ui.warn(render(error.message))
        return
    labelled_note(labelled, quick)
    exclusion_list(labelled)
    if st.button(_("Start training"), type="primary", disabled=not labelled.enough, key="training_start"):
        if not bundle_name:
            ui.warn(_("Give the new model a name first."))
            return
        start_task(
            lambda: head_training.start(
                context.settings(), bundle_name, quick=quick, scale=labelled.scale, within_days=within
            )
        )


def start_task(start: Callable[[], None]) -> None:
    """Start a task, or draw why it cannot be started."""
    try:
        start()
    except FerPhqError as error:
        ui.problem(error)
    else:
        st.rerun()


def labelled_note(labelled: LabelledSessions, quick: bool) -> None:
    """Draw how many labelled sessions there are, and what can be learnt from so many.

    Args:
        labelled: The labelled sessions.
        quick: Whether only the simplest model is tried.
    """
    total = render(labelled.total)
    if not labelled.enough:
        few = _(
            "That is too few: a head needs {sessions} sessions of {people} people. Enter questionnaires near the "
            "recordings, or analyse earlier sessions again."
        )
        ui.warn(f"{total} {few.format(sessions=FEWEST_SESSIONS, people=FEWEST_SUBJECTS)}")
    elif labelled.ridge_only:
        ridge = _(
            "With fewer than {people} people only the simplest model (ridge regression) is tried: a choice between "
            "models would be a choice between chances, and the report's figures may be far from the truth."
        )
        ui.warn(f"{total} {ridge.format(people=RIDGE_ONLY_BELOW)}")
    elif quick:
        simplest = _("Only the simplest model (ridge regression) is tried.")
        ui.note(f"{total} {simplest}")
    else:
        several = _(
            "Several models are compared on people left out, and the simplest that is not clearly worse is kept. This "
            "can take many minutes."
        )
        ui.note(f"{total} {several}")


def exclusion_list(labelled: LabelledSessions) -> None:
    """Draw why the other sessions do not count, with their numbers."""
    if not labelled.exclusions:
        return
    items = "".join(f"<li>{ui.text(render(line))}</li>" for line in labelled.exclusions)
    st.html(f'<div class="fp-note">{ui.text(render(labelled.excluded))}<ul>{items}</ul></div>')


def training_result(task: head_training.HeadTraining) -> None:
    """Draw how the last training ended."""
    when = ui.day_and_time(task.finished_at or task.started_at)
    if task.bundle is not None:
        link_text = _("its report is below")
        text = escape(
            _("{name} was trained on {when}: {link}. It is not in use unless its card says so."), quote=False
        ).format(
            name=f"<b>{escape(task.name)}</b>",
            when=escape(when),
            link=f'<a href="#{escape(card_anchor(task.name))}" target="_self">{escape(link_text)}</a>',
        )
        st.html(f'<p class="fp-done">{text}</p>')
    elif task.state is TaskState.FAILED:
        failure(_("The training of {name} failed on {when}.").format(name=task.name, when=when), task)
    elif task.state is TaskState.CANCELLED:
        text = _("The training of {name} was cancelled on {when}. Nothing of it was kept.")
        ui.note(text.format(name=task.name, when=when))


def rescoring_row(bundle: Bundle) -> None:
    """Draw the stored sessions that the active model's heads have not scored, or the scoring that runs."""
    task = rescoring.status(context.settings())
    if task is not None and task.state is TaskState.RUNNING:
        title = _("Scoring the stored sessions with {name}").format(name=task.name)
        running_task("scoring", title, lambda: rescoring.status(context.settings()), stop_scoring)
        return
    if task is not None and task.name == bundle.model_id:
        scoring_result(task)
    waiting = rescoring.count_waiting(context.settings(), context.store())
    if not waiting:
        return
    line, act = st.columns([0.72, 0.28], vertical_alignment="center")
    with line:
        ui.note(
            n_(
                "{n} stored session can be scored with this model's heads from what is stored, without the recordings. "
                "Earlier analyses stay, with the model that made them.",
                "{n} stored sessions can be scored with this model's heads from what is stored, without the "
                "recordings. Earlier analyses stay, with the model that made them.",
                waiting,
            )
        )
    if not permission.may_administer():
        return
    if act.button(_("Score stored sessions again"), key="scoring_start", width="stretch"):
        start_task(lambda: rescoring.start(context.settings()))


def scoring_result(task: Task) -> None:
    """Draw how the last scoring with this model ended."""
    when = ui.day_and_time(task.finished_at or task.started_at)
    if task.state is TaskState.FAILED:
        failure(_("Scoring the stored sessions failed on {when}.").format(when=when), task)
    elif task.state is TaskState.CANCELLED:
        text = _("Scoring the stored sessions was cancelled on {when}. What it had scored was kept.")
        ui.note(text.format(when=when))
    else:
        ui.note(_("Stored sessions were scored with it on {when}.").format(when=when))


def running_task(key: str, title: str, status: Callable[[], Task | None], cancel: Callable[[], None]) -> None:
    """Draw a running task: since when, the end of its log, and a button to stop it; drawn anew while it runs.

    Args:
        key: Names its widgets; unique on the page.
        title: What runs.
        status: Returns the task as it is now; None when there is none.
        cancel: Stops it.
    """

    def draw() -> None:
        task = status()
        if task is None or task.state is not TaskState.RUNNING:
            st.rerun()
            return
        line, act = st.columns([0.78, 0.22], vertical_alignment="center")
        minutes = int((datetime.now(UTC) - task.started_at).total_seconds() // 60)
        clock = f"{task.started_at.astimezone(ui.zone()):%H:%M}"
        since = _("since {time}").format(time=clock)
        if minutes:
            since = n_("since {time}, {n} minute", "since {time}, {n} minutes", minutes, time=clock)
        line.html(f'<p class="fp-working">{escape(title)} <span>{escape(since)}</span></p>')
        if permission.may_administer() and act.button(_("Cancel"), key=f"{key}_cancel", width="stretch"):
            cancel()
        if isinstance(task, HeadTraining):
            training_curves(task.steps)
        st.code("\n".join(task.lines) or _("Starting …"), language=None, wrap_lines=True)
        ui.note(_("It goes on when this page is closed."))

    st.fragment(draw, run_every=LIVE_SECONDS, key=f"{key}_live")()


def training_curves(steps: Sequence[TrainingStep]) -> None:
    """Draw the models' errors so far on the set of modalities that is being trained."""
    if not steps:
        return
    current = steps[-1].modalities
    rows = [
        {"model": step.model, "folds": step.folds, "of": step.total_folds, "share": step.rmse / max(step.floor, 1e-9)}
        for step in steps
        if step.modalities == current and step.model != "floor"
    ]
    if not rows:
        return
    source = _("From the {modalities}").format(modalities=modality_list(current))
    st.markdown(f"**{source}**")
    figure = charts.training_curves(pd.DataFrame(rows), context.colours())
    st.plotly_chart(
        figure, theme=None, config={"displayModeBar": False}, key="training_curves",
        alt=_("Error of each model on people left out, as a part of the error of always answering the mean"),
    )  # fmt: skip


def stop_training() -> None:
    """Cancel the training."""
    _stop(lambda: head_training.cancel(context.settings()))


def stop_scoring() -> None:
    """Cancel the scoring; what it has written stays."""
    _stop(lambda: rescoring.cancel(context.settings()))


def _stop(cancel: Callable[[], None]) -> None:
    try:
        with st.spinner(_("Stopping …")):
            cancel()
    except FerPhqError as error:
        ui.problem(error)
    else:
        st.rerun()


def failure(title: str, task: Task) -> None:
    """Draw why a task failed, and the end of its log.

    Args:
        title: What failed.
        task: The task.
    """
    reason = "" if task.error is None else ui.sentence(render(task.error))
    st.html(f'<p class="fp-danger">{escape(title)} {ui.text(reason)}</p>')
    if task.lines:
        with st.expander(_("What it printed last")):
            st.code("\n".join(task.lines), language=None, wrap_lines=True)
