"""Page "Live": the camera's picture with what is measured in it, and what of it may be kept."""

from __future__ import annotations

from dashboard import context
from dashboard.i18n import _
from dashboard.live.capture import capture_card, live_card, load_capture
from dashboard.new_session.arrivals import progress_card
from dashboard.widgets import permission, ui

ui.heading(
    _("Live"),
    _(
        "The camera's picture, and what the model reads in it. Each picture is measured alone: nothing is smoothed. "
        "Nothing is stored unless you keep it. An expression is not a feeling; not a diagnosis."
    ),
)
may_keep = permission.may_change()
live_card(context.settings(), load_capture(context.settings()) if may_keep else None)
if may_keep:
    capture_card(context.settings())
    progress_card(_("Analysis"))
else:
    with ui.card("reader"):
        ui.empty(_("Your account reads only"), _("A clinician or an administrator keeps pictures and recordings."))
