"""The Models page: the checkpoint bundle in use, the others, how good they are, and training a new PHQ head."""

from __future__ import annotations

import streamlit as st

from dashboard import context
from dashboard.i18n import _, render
from dashboard.models import bundles
from dashboard.models.bundle_card import ENVIRONMENT, bundle_badges, bundle_card, is_same
from dashboard.models.comparison_card import comparison_card
from dashboard.models.training_card import rescoring_row, training_card
from dashboard.widgets import ui
from fer_phq.core.errors import ModelError
from fer_phq.models.checkpoint import Bundle
from service.models.active_model import active_bundle


def active_or_problem() -> Bundle | None:
    """Return the active bundle; None, with the problem on the page, when it cannot be used."""
    try:
        return active_bundle(context.settings(), context.store())
    except ModelError as error:
        ui.problem(error)
        return None


def in_use(bundle: Bundle) -> None:
    """Draw which bundle makes new analyses, and who decided so."""
    with ui.card("in_use", _("In use")):
        st.html(
            f'<p class="fp-lead"><span class="fp-name">{ui.text(bundle.model_id)}</span> '
            f"{' '.join(bundle_badges(bundle, in_use=False))}</p>"
        )
        phq = bundle.config.phq
        gives = _(
            "Every new analysis is made by it: seven emotions, no PHQ estimate. Each analysis keeps the model that "
            "made it."
        )
        if phq:
            gives = _(
                "Every new analysis is made by it: seven emotions and a {scale} estimate. Each analysis keeps the "
                "model that made it."
            ).format(scale=phq.scale)
        ui.note(gives)
        if context.settings().model is not None:
            ui.warn(_(ENVIRONMENT))
        rescoring_row(bundle)


def page() -> None:
    """Draw the bundle in use, the training of another, and all bundles."""
    ui.heading(_("Models"), _("What makes the analyses, and how good it is known to be."))
    active = active_or_problem()
    if active is not None:
        in_use(active)
        training_card()
    comparison_card(active.model_id if active else None)
    loaded, broken = bundles.load_bundles()
    if active is not None and not any(is_same(bundle, active) for bundle in loaded):
        loaded.insert(0, active)  # FERPHQ_MODEL may name a folder anywhere
    st.subheader(_("All models"), anchor=False)
    for bundle in loaded:
        bundle_card(bundle, active)
    if len(loaded) == 1:
        ui.note(_("Only the model that comes with fer-phq is here. One that you train appears beside it."))
    for folder in broken:
        with ui.card(f"broken_{folder.path.name}", ui.md(folder.path.name)):
            ui.warn(_("This model cannot be used. {why}").format(why=render(folder.reason)))


page()
