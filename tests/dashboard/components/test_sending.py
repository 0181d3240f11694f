"""The scripts of the upload components, run by node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

SENDING = Path(__file__).parents[3] / "dashboard" / "components" / "sending.js"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize(("language", "written"), [("de", "1,5 KB"), ("en", "1.5 KB")])
def test_a_browser_writes_sizes_with_the_languages_mark(language: str, written: str) -> None:
    script = f"{SENDING.read_text(encoding='utf-8')}\nconsole.log(size(1500, {json.dumps(language)}))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == written
