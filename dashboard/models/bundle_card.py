"""One checkpoint bundle as a card: what it can do, how good it is known to be, and making it the active one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard import context
from dashboard.i18n import _, mark, n_
from dashboard.i18n.beneath import told
from dashboard.i18n.numbers import decimal
from dashboard.i18n.vocabulary import spoken
from dashboard.models import bundles
from dashboard.models.bundles import Figure, HeadReport, SetFigures
from dashboard.widgets import ui
from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Provenance
from fer_phq.models.checkpoint import SHIPPED, Bundle, PhqConfig, find_damaged_files
from fer_phq.models.head_report import RIDGE_ONLY_BELOW
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


def bundle_card(bundle: Bundle, active: Bundle | None) -> None:
    """A bundle. active: the one in use; None when that one is not to be had."""
    in_use = active is not None and is_same(bundle, active)
    with ui.card(f"bundle_{bundle.path}"):
        title, act = st.columns([0.72, 0.28], vertical_alignment="center")
        with title:
            st.subheader(ui.md(bundle.config.name), anchor=False)
            marks = " ".join(badges(bundle, in_use))
            place = escape(anchor(bundle.path.name), quote=True)
            st.html(f'<p class="fp-lead" id="{place}">{marks}&ensp;{escape(bundle.model_id)}</p>')
        with act:
            choose(bundle, active, in_use)
        heads(bundle.config.phq)
        show_report(bundle)
        if bundle.card:
            with st.expander(_("Model card: data, licences, figures, limits")):
                st.markdown(bundles.card_of(bundle))
        check(bundle)


def is_same(one: Bundle, other: Bundle) -> bool:
    """Whether they are one folder."""
    return one.path.resolve() == other.path.resolve()


def anchor(folder: str) -> str:
    """The card's id on the page, for links to it."""
    return f"model-{folder}"


def badges(bundle: Bundle, in_use: bool) -> list[str]:
    """What kind of bundle it is, at a glance."""
    found = [ui.badge(_("In use"), "clinical")] if in_use else []
    if bundle.config.phq is not None:
        found.append(ui.provenance_badge(bundle.config.phq.provenance))
    if bundle.path == SHIPPED:
        found.append(ui.badge(_("Comes with fer-phq")))
    return found


def choose(bundle: Bundle, active: Bundle | None, in_use: bool) -> None:
    """The button that makes it the active one, after a question."""
    if in_use:
        return
    decided = context.settings().model is not None
    if st.button(
        _("Use this model"), key=f"use_{bundle.path}", width="stretch", disabled=decided,
        help=_(ENVIRONMENT) if decided else _("You are asked once more"),
    ):  # fmt: skip
        confirm(bundle, active)


def confirm(bundle: Bundle, active: Bundle | None) -> None:
    """Ask once more."""
    st.dialog(_("Use this model?"))(confirmation)(bundle, active)


def confirmation(bundle: Bundle, active: Bundle | None) -> None:
    """Say what changes, then do it."""
    words = _("New analyses will use **{model}**.")
    if active is not None:
        words = _("New analyses will use **{model}** in place of **{other}**.")
    st.markdown(words.format(model=ui.md(bundle.model_id), other=ui.md(active.model_id) if active else ""))
    stay = _("Earlier analyses stay as they are, with the model that made them.")
    ui.note(f"{stay} {again(bundle, active)}")
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


def again(bundle: Bundle, active: Bundle | None) -> str:
    """What scoring the stored sessions with it takes."""
    if active is None or active.face_kind != bundle.face_kind:
        return _("It sees faces in another way: earlier sessions need their recordings to be analysed again.")
    if bundle.config.phq is None:
        return ""
    return _(
        "Afterwards this page offers to score the stored sessions with the new heads, without their recordings; "
        "`fer-phq reanalyse` does the same."
    )


def heads(phq: PhqConfig | None) -> None:
    """Which estimates it gives, from what, and what that was learnt from."""
    if phq is None:
        ui.note(_("No PHQ head: it gives emotions and no PHQ estimate."))
        return
    asked = "; ".join(spoken(modalities) for modalities in phq.modalities)
    source = _("Estimates from, in this order") if len(phq.modalities) > 1 else _("Estimates from")
    ui.facts(
        [
            (_("PHQ head"), _("{scale}, 0 to {maximum} points").format(scale=phq.scale, maximum=phq.scale.maximum)),
            (source, asked),
            (_("Interval"), f"{phq.interval_level:.0%}"),
        ]
    )
    if phq.provenance is Provenance.SIMULATED:
        ui.warn(_(SIMULATED))
    ui.note(ui.sentence(told(phq.training)))


def show_report(bundle: Bundle) -> None:
    """How near the heads came on people left out of their training."""
    try:
        report = bundles.report_of(bundle)
    except FerPhqError as error:
        ui.warn(told(str(error)))
        return
    if report is None or not report.sets:
        return
    st.markdown(
        _("**How near it came** on {sessions} sessions of {people} people").format(
            sessions=report.sessions, people=report.people
        )
    )
    st.html(table(report.sets))
    for words in doubts(report):
        ui.warn(words)
    ui.note(_(READING).format(level=f"{report.bootstrap_level:.0%}"))
    pictures = bundles.pictures_of(bundle)
    if pictures:
        with st.expander(_("Diagrams ({modalities})").format(modalities=spoken(report.sets[0].modalities))):
            for place, (path, caption, alt) in zip(st.columns(len(pictures)), pictures, strict=True):
                place.image(str(path), caption=caption, alt=alt, width="stretch")


def doubts(report: HeadReport) -> list[str]:
    """What so few people, or so little signal, mean."""
    said = []
    if report.people < RIDGE_ONLY_BELOW:
        said.append(
            n_(
                "With {n} person only the simplest model was tried; every figure may be far from the truth.",
                "With {n} people only the simplest model was tried; every figure may be far from the truth.",
                report.people,
            )
        )
    blind = [spoken(one.modalities) for one in report.sets if one.ccc.low <= 0]
    if len(blind) == len(report.sets):
        said.append(_("Not shown to know anything beyond the mean: the interval of CCC reaches zero."))
    elif blind:
        words = _("Not shown to know anything beyond the mean ({modalities}): the interval of CCC reaches zero.")
        said.append(words.format(modalities="; ".join(blind)))
    return said


def table(sets: Sequence[SetFigures]) -> str:
    """The figures as HTML, one row a modality set."""
    level = f"{sets[0].level:.0%}"
    covers = _("{level} interval covers").format(level=level)
    names = [_("From"), _("Model"), _("People"), "MAE", _("Always the mean"), "RMSE", "CCC", "Pearson", covers,
             _("Its width")]  # fmt: skip
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    return (
        f'<div class="fp-scroll"><table class="fp-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(_row(one) for one in sets)}</tbody></table></div>"
    )


def _row(one: SetFigures) -> str:
    cells = [
        escape(one.model),
        str(one.people),
        *(_bracketed(figure) for figure in (one.mae, one.floor, one.rmse, one.ccc, one.pearson)),
        escape(ui.percent(one.coverage)),
        decimal(one.width),
    ]
    source = spoken(one.modalities)
    name = escape(f"{source[:1].upper()}{source[1:]}")
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _bracketed(figure: Figure) -> str:
    return f"{decimal(figure.value, 2)}<br><small>[{decimal(figure.low, 2)}; {decimal(figure.high, 2)}]</small>"


def check(bundle: Bundle) -> None:
    """On request: whether the weights are still those that were written with the bundle."""
    left, right = st.columns([0.28, 0.72], vertical_alignment="center")
    if left.button(_("Check the files"), key=f"check_{bundle.path}", type="tertiary", icon=":material/verified:"):
        damaged = find_damaged_files(bundle)
        with right:
            if damaged:
                words = _("{file} is not the file that was written with the bundle: do not use it.")
                ui.warn(words.format(file=bundle.path / damaged[0]))
            else:
                ui.note(_("The weights are those that were written with the bundle (SHA-256)."))
