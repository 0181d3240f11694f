"""Streamlit's theme, made from the palette: handed over at launch, so that it holds from any folder."""

from __future__ import annotations

from typing import Any

from dashboard.theme.palette import DARK, LIGHT, Palette

FONT = "Inter"
FONT_FILE = "app/static/inter-latin-wght-normal.woff2"
"""Inter (SIL Open Font License 1.1, see static/INTER-LICENSE.txt), served from the package's own `static` folder."""


def theme_options() -> dict[str, Any]:
    """Return Streamlit's options of both themes, keyed as `streamlit run` knows them."""
    options: dict[str, Any] = {
        "theme.fontFaces": [{"family": FONT, "url": FONT_FILE, "weight": "100 900", "style": "normal"}],
        "theme.font": f"{FONT}, sans-serif",
        "theme.headingFont": f"{FONT}, sans-serif",
        "theme.baseFontSize": 15,
        "theme.headingFontSizes": ["1.75rem", "1.25rem", "1.05rem"],
        "theme.headingFontWeights": [600, 600, 600],
        "theme.metricValueFontSize": "1.6rem",
        "theme.metricValueFontWeight": 600,
        "theme.baseRadius": "10px",
        "theme.buttonRadius": "8px",
        "theme.showWidgetBorder": True,
    }
    for colours in (LIGHT, DARK):
        options |= {f"theme.{colours.mode}.{name}": value for name, value in _mode_options(colours).items()}
    return options


def _mode_options(colours: Palette) -> dict[str, Any]:
    return {
        "primaryColor": colours.accent,
        "backgroundColor": colours.page,
        "secondaryBackgroundColor": colours.inset,
        "textColor": colours.ink,
        "linkColor": colours.accent,
        "borderColor": colours.control,
        "dataframeBorderColor": colours.line,
        "dataframeHeaderBackgroundColor": colours.inset,
        "codeBackgroundColor": colours.inset,
        "codeTextColor": colours.ink,
        "chartCategoricalColors": list(colours.emotions),
    }
