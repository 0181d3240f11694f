"""Dates as the viewer's language writes them: '3 Nov 2026' in English, '3. Nov. 2026' in German."""

from __future__ import annotations

from datetime import date, datetime

from babel import Locale
from babel.dates import format_date, format_skeleton

from dashboard.i18n import SOURCE, language


def day(at: date) -> str:
    """Write the day of a date or of a local time."""
    code = language()
    if code == SOURCE:  # day first: what Babel has as English is American
        return format_date(at, "d MMM y", locale=code)
    return format_skeleton("yMMMd", at, locale=Locale.parse(code, sep="-"))


def day_and_time(at: datetime) -> str:
    """Write the day and the time of a local time, such as '3 Nov 2026, 14:05'."""
    return f"{day(at)}, {at:%H:%M}"


def day_and_month(at: date) -> str:
    """Write the day without its year, such as '03 Nov', where a chart's axis has little room."""
    code = language()
    if code == SOURCE:
        return format_date(at, "dd MMM", locale=code)
    return format_skeleton("MMMd", at, locale=Locale.parse(code, sep="-"))
