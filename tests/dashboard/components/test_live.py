"""The page Live in the browser's own language: which pictures are sent and which are dropped, and what is drawn."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboard.components.live import _gap_sentences
from fer_phq.core.messages import Template
from fer_phq.mesh import messages
from fer_phq.mesh.head_pose import _angles

FOLDER = Path(__file__).parents[3] / "dashboard" / "components" / "live"
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
BROWSER = """
let now = 0;
performance.now = () => now;
const timers = [];
globalThis.setTimeout = (act, pause) => { timers.push([act, pause]); return timers.length; };
globalThis.clearTimeout = () => {};
const sockets = [];
globalThis.WebSocket = class {
  bufferedAmount = 0;
  readyState = 0;
  out = [];
  constructor(address) { this.address = address; sockets.push(this); }
  accept() { this.readyState = 1; this.onopen(); }
  send(bytes) { this.out.push(bytes); }
  hear(result) { this.onmessage({ data: JSON.stringify(result) }); }
  close() { this.readyState = 3; }
  drop(code) { this.readyState = 3; this.onclose({ code }); }
};
const heard = [];
const line = new Line("ws://localhost/v1/live", {
  answer: (result, picture) => heard.push([result.index, picture && picture.taken]),
  state: (name, sentence) => heard.push([name, sentence]),
});
"""
"""What line.js needs of a browser, with a clock that a test sets."""


def run(script: str, *parts: str) -> Any:
    """What a script prints as JSON, after parts of the component."""
    code = "\n".join((FOLDER / part).read_text(encoding="utf-8") for part in parts)
    done = subprocess.run(["node", "-e", code + script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_pictures_are_dropped_while_two_are_on_their_way_or_the_line_is_full() -> None:
    wanted = run(
        BROWSER
        + """
const wants = [line.wants(0)];                      // not open yet
sockets[0].accept();
for (const taken of [10, 20]) { wants.push(line.wants(taken)); line.send("picture", { taken }); }
wants.push(line.wants(30));                         // two are on their way
now = 60; sockets[0].hear({ index: 1, dropped: 1 }); // the server dropped the first for the second
wants.push(line.wants(70));
sockets[0].bufferedAmount = 1;
wants.push(line.wants(80));                         // the line still holds one
console.log(JSON.stringify([wants, sockets[0].out.length, heard]));
""",
        "line.js",
    )
    assert wanted == [[False, True, True, False, True, False], 2, [["open", ""], [1, 20]]]


def test_rates_and_the_delay_are_of_the_last_seconds() -> None:
    figures = run(
        BROWSER
        + """
sockets[0].accept();
for (let i = 0; i < 100; i += 1) {
  now = i * 100;
  if (!line.wants(now) || i % 2) continue;
  line.send("picture", { taken: now });
  now += 70;
  sockets[0].hear({ index: line.sent - 1 });
}
now = 9900;
const running = line.figures(now);
line.wants(now); line.send("picture", { taken: now });
now += 2900; const waiting = line.figures(now).silent;
now += 200; const silent = line.figures(now).silent;
console.log(JSON.stringify([running, waiting, silent, line.figures(now + 9000).delay]));
""",
        "line.js",
    )
    running, waiting, silent, later = figures
    assert running["camera"] == pytest.approx(10)
    assert running["answered"] == pytest.approx(5)
    assert running["delay"] == 70
    assert (running["silent"], waiting, silent, later) == (False, False, True, None)


@pytest.mark.parametrize(
    ("code", "state", "pause"),
    [(1013, "busy", 5000), (1006, "gone", 500), (1011, "broken", 500), (1000, "over", 500)],
)
def test_a_line_that_ends_says_why_and_is_opened_again(code: int, state: str, pause: int) -> None:
    states, pauses, opened, late = run(
        BROWSER
        + f"""
sockets[0].accept();
line.wants(0); line.send("picture", {{ taken: 0 }});
sockets[0].hear({{ problem: {{ detail: "Why." }} }});
sockets[0].drop({code});
timers[0][0]();
sockets[1].accept();
sockets[0].hear({{ index: 0 }});                     // an answer of the line before is nobody's
const pauses = timers.map(([, pause]) => pause);
console.log(JSON.stringify([heard.map(([name]) => name), pauses, sockets.length, line.pictures.size]));
""",
        "line.js",
    )
    assert states == ["open", state, "open"]
    assert (pauses, opened, late) == ([pause], 2, 0)


def test_pauses_grow_and_a_line_that_was_refused_stays_closed() -> None:
    pauses, after = run(
        BROWSER
        + """
for (let i = 0; i < 6; i += 1) { sockets.at(-1).drop(1006); timers.at(-1)[0](); }
const pauses = timers.map(([, pause]) => pause);
sockets.at(-1).accept();
sockets.at(-1).hear({ problem: { detail: "None was a picture." } });
sockets.at(-1).drop(1008);
console.log(JSON.stringify([pauses, [timers.length, heard.at(-1)]]));
""",
        "line.js",
    )
    assert pauses == [500, 1000, 2000, 4000, 8000, 8000]
    assert after == [6, ["unreadable", "None was a picture."]]


@pytest.mark.parametrize("angles", [(0, 0, 0), (20, 0, 0), (0, 30, 0), (0, 0, -25), (-15, 35, 20)])
def test_axes_are_drawn_as_the_pose_is_measured(angles: tuple[float, float, float]) -> None:
    pitch, yaw, roll = angles
    axes = run(
        f"console.log(JSON.stringify(headAxes({{pitch_deg: {pitch}, yaw_deg: {yaw}, roll_deg: {roll}}})))", "drawing.js"
    )
    rotation = np.array(axes).T
    assert rotation.T @ rotation == pytest.approx(np.eye(3), abs=1e-12)
    assert math.isclose(np.linalg.det(rotation), 1)
    assert _angles(rotation) == pytest.approx(angles, abs=1e-9)


def test_the_figures_are_of_the_largest_face() -> None:
    faces = [{"box": [0, 0, 10, 10]}, {"box": [20, 0, 45, 10]}, {"box": [50, 0, 60, 20]}]
    assert run(f"console.log(JSON.stringify(largest({json.dumps(faces)})))", "drawing.js") == faces[1]
    assert run("console.log(JSON.stringify(largest([])))", "drawing.js") is None


def test_whatever_is_missing_of_a_face_is_said_in_the_pages_language() -> None:
    codes = {template.code for template in vars(messages).values() if isinstance(template, Template)}
    assert set(_gap_sentences()) == codes
