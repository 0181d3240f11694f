"""Recording the camera in the browser's own language."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "dashboard" / "components" / "recording.js"
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
BROWSER = """
globalThis.File = class {
  constructor(parts) { this.size = parts.reduce((sum, part) => sum + part.size, 0); }
};
globalThis.MediaRecorder = class {
  static isTypeSupported() { return true; }
  state = "inactive";
  mimeType = "video/webm";
  constructor() { globalThis.recorder = this; }
  start() { this.state = "recording"; }
  part(size) { this.ondataavailable({ data: { size } }); }
  stop() { this.state = "inactive"; globalThis.rest = () => { this.part(120); this.onstop(); }; }
};
let file = null;
record({ getTracks: () => [] }, 1000, (made) => { file = made; });
let parts = 0;
while (recorder.state === "recording" && parts < 50) { recorder.part(parts % 2 ? 90 : 110); parts += 1; }
rest();
console.log(JSON.stringify({ parts, size: file.size }));
"""
"""A browser's recorder, which hands out a part each second and what is left after it was told to stop."""


def test_a_recording_that_grows_to_the_limit_can_still_be_uploaded() -> None:
    code = SCRIPT.read_text(encoding="utf-8") + BROWSER
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    made = json.loads(done.stdout)
    assert made["size"] <= 1000
    assert made["parts"] >= 6, "it goes on for as long as there is room"
