"""Settings: what people choose while the product runs, what is past its retention, and what this installation is."""

from __future__ import annotations

from dashboard import context
from dashboard.i18n import _
from dashboard.settings.audit import accounts_card, audit_card
from dashboard.settings.choices import choices_card, history
from dashboard.settings.installation import installation_card, overdue_card, pending_erasures_card
from dashboard.widgets import ui

ui.heading(
    _("Settings"), _("They hold for uploads, the command line and the worker alike, from the next recording on.")
)
choices_card(context.settings())
history()
pending_erasures_card()
overdue_card()
installation_card()
accounts_card()
audit_card()
