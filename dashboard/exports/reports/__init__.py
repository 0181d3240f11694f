"""A session or a person's trend on paper: what a report says, and the same as PDF and as one HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_phq.core import lazy_names

if TYPE_CHECKING:
    from dashboard.exports.reports.html import to_html
    from dashboard.exports.reports.pdf import to_pdf
    from dashboard.exports.reports.session import session_report
    from dashboard.exports.reports.trend import trend_report

__all__ = ["session_report", "to_html", "to_pdf", "trend_report"]

# Imported on first use: a page that offers a report must not wait for matplotlib.
__getattr__ = lazy_names(
    __name__,
    {
        "session_report": "dashboard.exports.reports.session",
        "to_html": "dashboard.exports.reports.html",
        "to_pdf": "dashboard.exports.reports.pdf",
        "trend_report": "dashboard.exports.reports.trend",
    },
)
