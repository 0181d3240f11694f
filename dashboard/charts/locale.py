"""Plotly's options with the names of days and months in the viewer's language, for charts over dates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from babel import Locale

from dashboard.i18n import SOURCE, language, marks


def dated(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options for a chart with dates."""
    code = language()
    if code == SOURCE:
        return dict(config)
    return {**config, "locale": code, "locales": {code: {"dictionary": {}, "format": names(code)}}}


def names(code: str) -> dict[str, Any]:
    """Return months and days (from Sunday) of a language as Plotly's locales have them."""
    locale = Locale.parse(code, sep="-")
    months = locale.months["stand-alone"]
    days = locale.days["stand-alone"]
    return {
        "months": [months["wide"][i] for i in range(1, 13)],
        "shortMonths": [months["abbreviated"][i] for i in range(1, 13)],
        "days": [days["wide"][i % 7] for i in range(6, 13)],
        "shortDays": [days["abbreviated"][i % 7] for i in range(6, 13)],
        "date": "%d.%m.%Y",
        "decimal": marks(code)[0],
        "thousands": marks(code)[1],
    }
