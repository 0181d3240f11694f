"""A session's report as a file, for programs that ask over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from dashboard.exports import reports
from dashboard.i18n import speaking
from service.views.session import SessionView


def write_session_report(view: SessionView, kind: str, language: str, zone: tzinfo) -> bytes:
    """Write the report of one analysis of a session.

    Args:
        view: The session under review.
        kind: `html` or `pdf`.
        language: The language's code.
        zone: The zone in which times are shown.
    """
    with speaking(language):
        report = reports.session_report(view, zone, datetime.now(UTC))
        return reports.to_pdf(report) if kind == "pdf" else reports.to_html(report).encode()
