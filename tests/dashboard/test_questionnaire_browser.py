"""The questionnaire in a real browser: rows of a grid at a desk, one question at a time on a phone, a running total."""

from __future__ import annotations

from typing import Any

import pytest
from served import CHROMIUM, at_rest, calm, dashboard, eventually, opened, violations

from db.store import Store
from fer_phq.core.phq import ANSWERS, DIFFICULTY, ITEMS
from service.settings import AppSettings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
ITEM = ".st-key-phq_items [role=radiogroup]"


def running(page: Any) -> str:
    """What the running total says."""
    return str(page.locator("[class*=st-key-form_steps] p[role=status]").inner_text())


def shown(page: Any) -> list[str]:
    """The items that can be seen."""
    groups = page.locator(ITEM)
    visible = [groups.nth(place) for place in range(groups.count()) if groups.nth(place).is_visible()]
    return [str(group.get_attribute("aria-label")) for group in visible]


def choose(page: Any, item: int, answer: int) -> None:
    """Answer an item, which must be in view."""
    page.locator(ITEM).nth(item).locator("[data-testid=stRadioOption]").nth(answer).click()


def test_a_phone_asks_one_question_at_a_time(installation: AppSettings, store: Store, page: Any) -> None:
    subject = store.subjects.create(label="P-1")
    page.set_viewport_size({"width": 400, "height": 850})
    answers = [0, 1, 2, 3, 0, 1, 2, 3, 0]
    with dashboard(installation) as address:
        opened(page, f"{address}/questionnaire?subject={subject.id}")
        page.locator(ITEM).first.wait_for()
        eventually(page, lambda: running(page) == "Question 1 of 9. Running total: 0.")
        assert not page.get_by_role("button", name="Save questionnaire").is_visible()
        for item, answer in enumerate(answers):
            assert shown(page) == [f"{item + 1}. {ITEMS[item]}"]
            choose(page, item, answer)
            eventually(page, lambda item=item: shown(page) == shown_after(item))  # type: ignore[misc]
        assert running(page) == "Running total: 12. Answered: 9 of 9."
        assert page.get_by_role("radiogroup", name=DIFFICULTY).is_visible()
        assert violations(page) == []
        page.get_by_role("button", name="Back").click()
        assert shown(page) == [f"9. {ITEMS[8]}"]
        choose(page, 8, 1)
        eventually(page, lambda: shown(page) == [])
        page.get_by_role("button", name="Save questionnaire").click()
        page.get_by_text("A person should speak with them now").first.wait_for()
        at_rest(page)
        (saved,) = store.questionnaires.list_by_subject(subject_id=subject.id)
        assert list(saved.items) == [*answers[:8], 1]
        eventually(page, lambda: running(page) == "Question 1 of 9. Running total: 0.")
        calm(page)


def shown_after(item: int) -> list[str]:
    """What a phone shows once an item is answered."""
    return [f"{item + 2}. {ITEMS[item + 1]}"] if item + 1 < len(ITEMS) else []


def test_a_desk_shows_rows_with_the_answers_above_them(installation: AppSettings, store: Store, page: Any) -> None:
    with dashboard(installation) as address:
        opened(page, f"{address}/questionnaire")
        page.locator(ITEM).first.wait_for()
        assert len(shown(page)) == 9
        heads = page.locator(".fp-answers span")
        assert heads.all_inner_texts()[1:] == list(ANSWERS)
        for answer in range(4):
            head = heads.nth(answer + 1).bounding_box()
            middle = head["x"] + head["width"] / 2
            for item in (0, 8):
                option = page.locator(ITEM).nth(item).locator("[data-testid=stRadioOption]").nth(answer).bounding_box()
                assert option["x"] + option["width"] / 2 == pytest.approx(middle, abs=2)
        choose(page, 0, 3)
        choose(page, 4, 2)
        eventually(page, lambda: running(page) == "Running total: 5. Answered: 2 of 9.")
        assert len(shown(page)) == 9, "nothing is hidden at a desk"
        assert page.get_by_role("radio", name="Nearly every day").count() == 9, "each option has its words"
        page.set_viewport_size({"width": 400, "height": 850})
        eventually(page, lambda: shown(page) == [f"1. {ITEMS[0]}"])
        assert running(page) == "Question 1 of 9. Running total: 5."
