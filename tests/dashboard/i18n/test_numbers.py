"""Numbers in the viewer's language."""

from __future__ import annotations

from dashboard.i18n import marks
from dashboard.i18n import translation as i18n
from dashboard.i18n.numbers import decimal, percent, short, size
from dashboard.widgets import ui


def test_numbers_have_the_languages_mark() -> None:
    assert (decimal(3.14159), decimal(3.14159, 2), decimal(-2.5, signed=True)) == ("3.1", "3.14", "\u22122.5")
    assert (short(2.0), short(0.5), size(1536)) == ("2", "0.5", "1.5 KiB")
    with i18n.speaking("de"):
        assert (decimal(3.14159), decimal(2, 0), decimal(2.5, signed=True)) == ("3,1", "2", "+2,5")
        assert (short(2.0), short(0.5), size(1536)) == ("2", "0,5", "1,5 KiB")
        assert marks("de") == (",", ".")
    assert marks("en") == (".", ",")


def test_percentages_are_the_languages() -> None:
    assert (percent(0.25), percent(0.0312, 1), percent(1.0)) == ("25%", "3.1%", "100%")
    assert (ui.percent(0.254), ui.percent(0.999), ui.percent(0.001)) == ("25 %", "99 %", "< 1 %")
    with i18n.speaking("de"):
        assert (percent(0.25), percent(0.0312, 1)) == ("25\N{NO-BREAK SPACE}%", "3,1\N{NO-BREAK SPACE}%")
        assert (ui.percent(0.254), ui.percent(0.001)) == ("25\N{NO-BREAK SPACE}%", "< 1\N{NO-BREAK SPACE}%")
