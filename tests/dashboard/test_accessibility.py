"""Every page for people who do not see it, or not well: axe-core's rules, text at 200 %, a narrow window."""

from __future__ import annotations

from typing import Any

import pytest
from served import CHROMIUM, PAGES, dashboard, opened, violations

from fer_phq.core.phq import DIFFICULTY
from service.settings import AppSettings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def check(page: Any, address: str) -> None:
    wrong = {}
    for name in PAGES:
        opened(page, f"{address}/{name}")
        if found := violations(page):
            wrong[name or "home"] = found
    assert wrong == {}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing_serious_on_filled_pages(
    filled: AppSettings, installation: AppSettings, page: Any, mode: str
) -> None:
    page.emulate_media(color_scheme=mode)
    with dashboard(installation) as address:
        check(page, address)


def test_axe_finds_nothing_serious_on_empty_pages(installation: AppSettings, page: Any) -> None:
    with dashboard(installation) as address:
        check(page, address)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_questionnaires_last_question(
    installation: AppSettings, page: Any, mode: str
) -> None:
    page.emulate_media(color_scheme=mode)
    with dashboard(installation) as address:
        opened(page, f"{address}/questionnaire")
        page.locator(".st-key-phq_items [data-testid=stRadioOption]").nth(3).click()
        page.get_by_role("radiogroup", name=DIFFICULTY).wait_for()
        assert violations(page) == []


@pytest.mark.parametrize("width", [680, 400])
def test_nothing_runs_out_of_a_narrow_window(
    filled: AppSettings, installation: AppSettings, page: Any, width: int
) -> None:
    """680 pixels are what a 1360-pixel window has left at 200 % zoom."""
    page.set_viewport_size({"width": width, "height": 1200})
    with dashboard(installation) as address:
        for name in PAGES:
            opened(page, f"{address}/{name}")
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 1, f"{name or 'home'} is {over} pixels wider than the window"
