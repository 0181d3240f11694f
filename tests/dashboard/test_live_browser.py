"""The page Live in a real browser, whose camera shows a demonstration clip: measured, kept, refused, cut off."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_camera import ALLOWED, camera_of
from PIL import Image
from served import CHROMIUM, at_rest, browser_tab, calm, dashboard, eventually, opened, violations

from db.store import Store
from fer_phq.core.emotions import EMOTIONS
from fer_phq.pipeline import analyze_image
from service.settings import AppSettings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
DOOR = "**/v1/live"


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Options of a browser whose camera shows a clip, and that may use it."""
    return (camera_of(tmp_path_factory.mktemp("camera")), *ALLOWED)


@pytest.fixture
def live(installation: AppSettings, camera: tuple[str, ...]) -> Iterator[Any]:
    """The page Live, in front of that camera."""
    with dashboard(installation) as address, browser_tab(*camera) as page:
        opened(page, f"{address}/live")
        yield page


def turn_on(page: Any) -> None:
    page.get_by_role("button", name="Turn on the camera").click()


def measured(page: Any) -> bool:
    """Whether a measured picture is shown."""
    return page.locator(".live").get_attribute("data-shown") == "yes"


def say(page: Any) -> str:
    return str(page.locator("p.say").inner_text())


def allow_to_keep(page: Any, subject: str = "P-001") -> None:
    """Fill in the form without which nothing is kept."""
    page.get_by_role("combobox", name="Subject").fill(subject)
    page.keyboard.press("Enter")
    page.get_by_text("and has agreed").click()
    page.get_by_label("Consent recorded by").fill("AB")
    page.get_by_role("button", name="Allow to keep").click()
    page.get_by_role("button", name="Change").wait_for()
    at_rest(page)


def test_what_is_shown_is_what_a_picture_alone_gives_and_nothing_is_stored(
    live: Any, installation: AppSettings, store: Store
) -> None:
    sent: list[bytes] = []
    answers: list[dict[str, Any]] = []

    def listen(socket: Any) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda content: (sent.append(content), server.send(content)))
        server.on_message(lambda content: (answers.append(json.loads(content)), socket.send(content)))

    live.route_web_socket(DOOR, listen)
    before = sorted(path for path in installation.data_dir.rglob("*") if path.suffix != ".log")
    live.get_by_role("button", name="Turn on the camera").focus()
    live.keyboard.press("Enter")
    eventually(live, lambda: measured(live) and len(answers) >= 5)
    answer = answers[-1]
    assert answer["width"] == 640
    rgb = np.asarray(Image.open(io.BytesIO(sent[answer["index"]])).convert("RGB"))
    (face,) = analyze_image(rgb)
    assert list(answer["faces"][0]["emotions"].values()) == pytest.approx(face.emotions.tolist(), abs=1e-6)
    assert answer["faces"][0]["points"] == pytest.approx(np.round(face.geometry.points.astype(float), 2), abs=0.011)
    meters = live.get_by_role("meter")
    assert meters.count() == len(EMOTIONS)
    shares = [float(meters.nth(i).get_attribute("aria-valuenow")) for i in range(meters.count())]
    assert sum(shares) == pytest.approx(1, abs=0.05)
    eventually(live, lambda: "pictures a second" in live.locator(".rate").inner_text())
    assert not live.get_by_role("button", name="Keep a picture").is_visible()
    assert violations(live) == []
    live.set_viewport_size({"width": 400, "height": 1200})
    assert live.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 1
    live.get_by_role("button", name="Turn off the camera").click()
    assert not measured(live)
    assert live.locator("video.camera").evaluate("v => v.srcObject") is None
    assert sorted(path for path in installation.data_dir.rglob("*") if path.suffix != ".log") == before
    assert store.sessions.list_recent() == []
    calm(live)


def test_pictures_and_recordings_are_kept_for_a_subject_who_agreed(live: Any, store: Store, tmp_path: Path) -> None:
    turn_on(live)
    eventually(live, lambda: measured(live))
    allow_to_keep(live)
    assert measured(live), "the form leaves the camera on"
    with live.expect_download() as download:
        live.get_by_role("button", name="Keep a picture").click()
    file = download.value
    assert file.suggested_filename.startswith("live-")
    assert file.suggested_filename.endswith("-P-001.png")
    file.save_as(tmp_path / "kept.png")
    with Image.open(tmp_path / "kept.png") as picture:
        assert picture.width == 1280
        assert picture.height > 960, "a caption stands below it"
    live.get_by_text("this installation keeps no copy").wait_for()
    (subject,) = store.subjects.list_all()

    def notes() -> list[str]:
        return [entry.object_id for entry in store.audit.list_newest() if entry.action == "export"]

    eventually(live, lambda: notes() == [subject.id])
    live.get_by_role("button", name="Start recording").click()
    eventually(live, lambda: live.get_by_role("timer").inner_text() >= "0:02")
    live.get_by_role("button", name="Stop", exact=True).click()
    live.get_by_text("Nothing is kept yet").wait_for()
    assert store.sessions.list_recent() == []
    live.get_by_role("button", name="Change").click()
    live.get_by_role("button", name="Allow to keep").wait_for()
    at_rest(live)
    allow_to_keep(live, "P-002")
    live.get_by_role("button", name="Use this recording").click()
    live.get_by_text("This recording was made for P-001").wait_for()
    live.get_by_role("button", name="Change").click()
    live.get_by_role("button", name="Allow to keep").wait_for()
    at_rest(live)
    allow_to_keep(live, "P-001")
    live.get_by_role("button", name="Use this recording").click()
    live.locator("li.done").wait_for()
    (row,) = store.sessions.list_recent()
    assert (row.subject_label, row.session.original_name[:7]) == ("P-001", "camera-")
    assert row.session.consent is not None
    assert row.session.consent.by == "AB"
    live.get_by_text("P-001 · camera-").first.wait_for()
    assert measured(live)


def test_no_picture_is_kept_while_others_are_in_view(live: Any, store: Store) -> None:
    def add_a_face(content: str) -> str:
        answer = json.loads(content)
        faces = answer.get("faces", [])
        answer["faces"] = faces + [{**face, "box": [0, 0, 9, 9]} for face in faces]
        return json.dumps(answer)

    def listen(socket: Any) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda content: server.send(content))
        server.on_message(lambda content: socket.send(add_a_face(content)))

    live.route_web_socket(DOOR, listen)
    downloads: list[Any] = []
    live.on("download", lambda download: downloads.append(download))
    turn_on(live)
    eventually(live, lambda: "2 faces are found" in say(live))
    allow_to_keep(live)
    live.get_by_role("button", name="Keep a picture").click()
    live.get_by_text("No picture is kept: 2 faces are in view").wait_for()
    at_rest(live)
    assert downloads == []
    assert [entry for entry in store.audit.list_newest() if entry.action == "export"] == []


def test_a_camera_that_goes_and_a_second_tab_are_a_sentence_each(live: Any) -> None:
    turn_on(live)
    eventually(live, lambda: measured(live))
    with live.expect_popup() as popup:
        live.evaluate("() => { window.open('/live'); }")
    other = popup.value
    turn_on(other)
    eventually(other, lambda: "Another tab of this browser" in say(other))
    other.close()
    live.locator("video.camera").evaluate("v => v.srcObject.getTracks()[0].dispatchEvent(new Event('ended'))")
    eventually(live, lambda: "it was unplugged or taken away" in say(live))
    assert not measured(live)
    turn_on(live)
    eventually(live, lambda: measured(live))


def test_a_busy_server_and_one_that_goes_are_a_sentence_each_until_it_is_back(live: Any) -> None:
    ends = [1013, 1006, None]

    def answer(socket: Any) -> None:
        end = ends.pop(0) if ends else None
        if end == 1013:
            socket.close(code=1013)
        elif end == 1006:
            socket.close(code=3000)
        else:
            socket.connect_to_server()

    live.route_web_socket(DOOR, answer)
    turn_on(live)
    eventually(live, lambda: "as many live pictures as it can" in say(live))
    eventually(live, lambda: "cannot be reached" in say(live) or measured(live))
    eventually(live, lambda: measured(live))
    eventually(live, lambda: say(live) == "")


SLOW = """
const Real = window.WebSocket;
window.WebSocket = class extends Real {
  set onmessage(hear) {
    super.onmessage = this.url.endsWith("/v1/live") ? (event) => setTimeout(() => hear(event), 1500) : hear;
  }
  get onmessage() { return super.onmessage; }
};
"""
"""A line on which an answer takes one and a half seconds."""


def test_a_slow_line_drops_pictures_and_says_so(installation: AppSettings, camera: tuple[str, ...]) -> None:
    with dashboard(installation) as address, browser_tab(*camera) as page:
        page.add_init_script(SLOW)
        opened(page, f"{address}/live")
        turn_on(page)
        eventually(page, lambda: "more than a second old" in say(page))
        assert int(page.locator(".live").get_attribute("data-delay")) > 1000


WITHOUT = {
    "Object.defineProperty(window, 'isSecureContext', { value: false });": "only to pages opened by https",
    "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });": "This browser cannot show live",
}
"""What a browser lacks, and what the page says then."""


def test_no_camera_no_leave_and_an_old_browser_are_a_sentence_each(installation: AppSettings) -> None:
    refused = "The browser was not allowed to use the camera;"
    with dashboard(installation) as address:
        for options, sentence in (
            (("--use-fake-ui-for-media-stream",), "No camera was found"),
            (("--use-fake-device-for-media-stream",), refused),
        ):
            with browser_tab(*options) as page:
                opened(page, f"{address}/live")
                turn_on(page)
                eventually(page, lambda page=page, sentence=sentence: sentence in say(page))
                assert page.get_by_role("button", name="Turn on the camera").is_visible()
        for script, sentence in WITHOUT.items():
            with browser_tab() as page:
                page.add_init_script(script)
                opened(page, f"{address}/live")
                eventually(page, lambda page=page, sentence=sentence: sentence in say(page))
