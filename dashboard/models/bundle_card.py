"""The card of a checkpoint bundle: what it can do, how good it is known to be, and making it the active one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard import context
from dashboard.i18n import _, mark, n_, render
from dashboard.i18n.numbers import decimal, percent
from dashboard.i18n.vocabulary import FEATURE_GROUPS, modality_list
from dashboard.models import bundles
from dashboard.models.evidence_section import evidence_section
from dashboard.widgets import permission, ui
from dashboard.widgets.tables import bracketed, figures_html, row_html
from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Provenance
from fer_phq.models.checkpoint import SHIPPED, Bundle, PhqConfig, find_damaged_files
from fer_phq.models.head_report import RIDGE_ONLY_BELOW, GroupImportance, HeadReport, PhqFigures, SetReport
from service.lifecycle.messages import LEARNED_FROM_ERASED
from service.lifecycle.person.heads import count_erased
from service.models.active_model import activate

ENVIRONMENT = mark(
    "The environment decides: FERPHQ_MODEL is set where the dashboard was started. Another model can be chosen here "
    "once it is unset."
)
SIMULATED = mark("Demonstration only: this head was trained on simulated labels. It says nothing about any person.")
READING = mark(
    "MAE and RMSE are mean errors in points; “always the mean” is the MAE of answering the training's mean score every "
    "time. CCC and Pearson run from −1 to 1, and 0 is no agreement. In brackets: {level} interval "
    "over people. All figures are of people left out of the training, and hold for people recorded and asked like them."
)

RELIANCE = mark(
    "What the mean error on people left out of the training grows by when a group of features is exchanged for another "
    "person's: mean and standard deviation over folds and exchanges. Groups that say the same share their importance, "
    "so a small figure does not say that a group means nothing."
)


def bundle_card(bundle: Bundle, active: Bundle | None) -> None:
    """Draw a bundle's card.

    Args:
        bundle: The bundle.
        active: The bundle in use; None when it is not on this machine.
    """
    in_use = active is not None and is_same(bundle, active)
    with ui.card(f"bundle_{bundle.path}"):
        title, act = st.columns([0.72, 0.28], vertical_alignment="center")
        with title:
            st.subheader(ui.md(bundle.config.name), anchor=False)
            badges = " ".join(bundle_badges(bundle, in_use))
            anchor = escape(card_anchor(bundle.path.name), quote=True)
            st.html(f'<p class="fp-lead" id="{anchor}">{badges}&ensp;{escape(bundle.model_id)}</p>')
        with act:
            activation_button(bundle, active, in_use)
        if erased := count_erased(context.store(), bundle.path):
            ui.warn(render(LEARNED_FROM_ERASED(n=erased)))
        phq_facts(bundle.config.phq)
        report_section(bundle)
        if bundle.card:
            with st.expander(_("Model card: data, licences, figures, limits")):
                st.markdown(bundles.load_card(bundle))
        file_check(bundle)


def is_same(bundle: Bundle, active: Bundle) -> bool:
    """Tell whether two bundles are one folder.

    Args:
        bundle: A bundle.
        active: The other one.
    """
    return bundle.path.resolve() == active.path.resolve()


def card_anchor(folder: str) -> str:
    """Return the id on the page of the card of a bundle's folder, for links to it."""
    return f"model-{folder}"


def bundle_badges(bundle: Bundle, in_use: bool) -> list[str]:
    """Return a bundle's badges as HTML: whether it is in use, its provenance, whether it ships.

    Args:
        bundle: The bundle.
        in_use: Whether it is the active one.
    """
    badges = [ui.badge(_("In use"), "clinical")] if in_use else []
    if bundle.config.phq is not None:
        badges.append(ui.provenance_badge(bundle.config.phq.provenance))
    if bundle.path == SHIPPED:
        badges.append(ui.badge(_("Comes with fer-phq")))
    return badges


def activation_button(bundle: Bundle, active: Bundle | None, in_use: bool) -> None:
    """Draw the button that makes a bundle the active one, after a question.

    Args:
        bundle: The bundle.
        active: The bundle in use; None when it is gone.
        in_use: Whether `bundle` is the active one, which needs no button.
    """
    if in_use or not permission.may_administer():
        return
    decided = context.settings().model is not None
    if st.button(
        _("Use this model"), key=f"use_{bundle.path}", width="stretch", disabled=decided,
        help=_(ENVIRONMENT) if decided else _("You are asked once more"),
    ):  # fmt: skip
        confirm(bundle, active)


def confirm(bundle: Bundle, active: Bundle | None) -> None:
    """Ask whether to make a bundle the active one.

    Args:
        bundle: The bundle.
        active: The bundle in use; None when it is gone.
    """
    st.dialog(_("Use this model?"))(confirmation)(bundle, active)


def confirmation(bundle: Bundle, active: Bundle | None) -> None:
    """Draw the question: what changes, and the button.

    Args:
        bundle: The bundle.
        active: The bundle in use; None when it is gone.
    """
    text = _("New analyses will use **{model}**.")
    if active is not None:
        text = _("New analyses will use **{model}** in place of **{other}**.")
    st.markdown(text.format(model=ui.md(bundle.model_id), other=ui.md(active.model_id) if active else ""))
    stay = _("Earlier analyses stay as they are, with the model that made them.")
    ui.note(f"{stay} {rescoring_hint(bundle, active)}")
    if bundle.config.phq is None:
        ui.warn(_("This model has no PHQ head: new analyses will have emotions and no PHQ estimate."))
    elif bundle.config.phq.provenance is Provenance.SIMULATED:
        ui.warn(_(SIMULATED))
    if st.button(_("Use it for new analyses"), type="primary", key="activate"):
        try:
            activate(context.settings(), str(bundle.path), context.store())
        except FerPhqError as error:
            ui.problem(error)
        else:
            st.rerun()


def rescoring_hint(bundle: Bundle, active: Bundle | None) -> str:
    """Say what it takes to score the stored sessions with a bundle; empty for a bundle without heads.

    Args:
        bundle: The bundle.
        active: The bundle in use; None when it is gone.
    """
    if active is None or active.face_kind != bundle.face_kind:
        return _("It sees faces in another way: earlier sessions need their recordings to be analysed again.")
    if bundle.config.phq is None:
        return ""
    return _(
        "Afterwards this page offers to score the stored sessions with the new heads, without their recordings; "
        "`fer-phq reanalyse` does the same."
    )


def phq_facts(phq: PhqConfig | None) -> None:
    """Draw which estimates a bundle gives, from which modalities, and on what it was trained."""
    if phq is None:
        ui.note(_("No PHQ head: it gives emotions and no PHQ estimate."))
        return
    modality_sets = "; ".join(modality_list(modalities) for modalities in phq.modalities)
    source = _("Estimates from, in this order") if len(phq.modalities) > 1 else _("Estimates from")
    ui.facts(
        [
            (_("PHQ head"), _("{scale}, 0 to {maximum} points").format(scale=phq.scale, maximum=phq.scale.maximum)),
            (source, modality_sets),
            (_("Interval"), percent(phq.interval_level)),
        ]
    )
    if phq.provenance is Provenance.SIMULATED:
        ui.warn(_(SIMULATED))
    ui.note(ui.sentence(render(phq.training)))


def report_section(bundle: Bundle) -> None:
    """Draw how near the heads came on people left out of their training."""
    try:
        report = bundles.load_report(bundle)
    except FerPhqError as error:
        ui.warn(render(error.message))
        return
    if report is None or not report.sets:
        return
    st.markdown(
        _("**How near it came** on {sessions} sessions of {people} people").format(
            sessions=report.sessions, people=report.subjects
        )
    )
    st.html(figures_table(report.sets))
    for caveat in list_caveats(report):
        ui.warn(caveat)
    ui.note(_(READING).format(level=percent(report.bootstrap_level)))
    evidence_section(report.sets)
    first = report.sets[0]
    if first.importance:
        with st.expander(_("What it relies on ({modalities})").format(modalities=modality_list(first.modalities))):
            st.html(importance_table(first.importance))
            ui.note(_(RELIANCE))
    pictures = bundles.list_pictures(bundle)
    if pictures:
        with st.expander(_("Diagrams ({modalities})").format(modalities=modality_list(report.sets[0].modalities))):
            for column, (path, caption, alt) in zip(st.columns(len(pictures)), pictures, strict=True):
                column.image(str(path), caption=caption, alt=alt, width="stretch")


def list_caveats(report: HeadReport) -> list[str]:
    """Say what so few people, or so little signal, mean."""
    caveats = []
    if report.subjects < RIDGE_ONLY_BELOW:
        caveats.append(
            n_(
                "With {n} person only the simplest model was tried; every figure may be far from the truth.",
                "With {n} people only the simplest model was tried; every figure may be far from the truth.",
                report.subjects,
            )
        )
    blind = [modality_list(head.modalities) for head in report.sets if head.figures.intervals["ccc"].low <= 0]
    if len(blind) == len(report.sets):
        caveats.append(_("Not shown to know anything beyond the mean: the interval of CCC reaches zero."))
    elif blind:
        text = _("Not shown to know anything beyond the mean ({modalities}): the interval of CCC reaches zero.")
        caveats.append(text.format(modalities="; ".join(blind)))
    return [*caveats, *(render(note) for note in report.notes)]


def figures_table(sets: Sequence[SetReport]) -> str:
    """Write the heads' figures as an HTML table, one row a modality set."""
    level = percent(sets[0].interval.interval_level)
    covers = _("{level} interval covers").format(level=level)
    names = [_("From"), _("Model"), _("People"), "MAE", _("Always the mean"), "RMSE", "CCC", "Pearson", covers,
             _("Its width")]  # fmt: skip
    return figures_html(names, [_row(head) for head in sets])


def importance_table(groups: Sequence[GroupImportance]) -> str:
    """Write what the error grows by without each group of features as an HTML table, one row a group."""
    names = [_("Features"), _("MAE grows by, points"), "SD"]
    rows = [
        row_html(_(FEATURE_GROUPS.get(group.name, group.name)), [decimal(group.increase, 2), decimal(group.spread, 2)])
        for group in groups
    ]
    return figures_html(names, rows)


def _row(report: SetReport) -> str:
    cells = [
        escape(report.model),
        str(report.figures.subjects),
        *(_bracketed(report.figures, name) for name in ("mae", "floor_mae", "rmse", "ccc", "pearson")),
        escape(ui.percent(report.interval.interval_coverage)),
        decimal(report.interval.interval_mean_width),
    ]
    return row_html(ui.capitalised(modality_list(report.modalities)), cells)


def _bracketed(figures: PhqFigures, name: str) -> str:
    interval = figures.intervals[name]
    return bracketed(getattr(figures, name), interval.low, interval.high)


def file_check(bundle: Bundle) -> None:
    """Draw a button that checks whether the weights are still those that were written with the bundle."""
    left, right = st.columns([0.28, 0.72], vertical_alignment="center")
    if left.button(_("Check the files"), key=f"check_{bundle.path}", type="tertiary", icon=":material/verified:"):
        damaged = find_damaged_files(bundle)
        with right:
            if damaged:
                text = _("{file} is not the file that was written with the bundle: do not use it.")
                ui.warn(text.format(file=bundle.path / damaged[0]))
            else:
                ui.note(_("The weights are those that were written with the bundle (SHA-256)."))
