"""The HTML of the components: nothing is seen before it has its name."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from dashboard.components import live, upload

VOID = {"input", "img", "br"}


class Controls(HTMLParser):
    """Collects the controls that no element hides until they are named."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: list[bool] = []
        self.bare: list[str] = []
        self.count = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        hidden = any(self.hidden) or "data-unnamed" in dict(attrs)
        if tag in {"button", "input"}:
            self.count += 1
            self.bare += [] if hidden else [self.get_starttag_text() or tag]
        if tag not in VOID:
            self.hidden.append(hidden)

    def handle_endtag(self, tag: str) -> None:
        self.hidden.pop()


@pytest.mark.parametrize("html", [upload.HTML, upload.CAMERA, live.HTML], ids=["files", "camera", "live"])
def test_every_control_is_hidden_until_it_has_its_name(html: str) -> None:
    controls = Controls()
    controls.feed(html)
    assert controls.count
    assert controls.bare == []


def test_the_style_sheet_of_every_component_hides_what_has_no_name() -> None:
    assert "[data-unnamed] { visibility: hidden; }" in upload.read_part("upload.css")
