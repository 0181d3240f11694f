"""Why there is no explanation reaches the page as a message with a code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from fer_phq.core.errors import ModelError
from fer_phq.models import messages as models
from fer_phq.models.checkpoint import find_bundle
from service.views import explain, messages

CROP = np.zeros((32, 32, 3), np.uint8)


@pytest.mark.slow
def test_the_childs_error_keeps_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "bundle_folder", lambda *_: tmp_path / "gone")
    with pytest.raises(ModelError) as refused:
        explain.explain_crop(CROP, "gone")
    assert refused.value.message.code.startswith("models.")
    assert str(tmp_path / "gone") in str(refused.value)


@pytest.mark.parametrize(
    ("code", "stderr", "says"),
    [
        (2, b'{"code": "models.no_crop", "params": {}, "text": ""}', str(models.NO_CROP())),
        (2, b"usage: fer_phq.explain", str(messages.EXPLANATION_BROKE_DOWN())),
        (1, b"Traceback", str(messages.EXPLANATION_BROKE_DOWN())),
    ],
)
def test_what_the_child_says_is_read(monkeypatch: pytest.MonkeyPatch, code: int, stderr: bytes, says: str) -> None:
    done = subprocess.CompletedProcess(["child"], code, b"", stderr)
    monkeypatch.setattr(explain.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(ModelError) as refused:
        explain.explain_crop(CROP, find_bundle().model_id)
    assert str(refused.value) == says
