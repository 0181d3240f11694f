"""The choice of the subject's voice in a real browser: each voice is heard, one is chosen, and its job is queued."""

from __future__ import annotations

import base64
import io
import wave
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from served import CHROMIUM, calm, dashboard, eventually, opened, violations
from two_voices import HIGH, LOW, pitch_of, talk_analysis, write_talk

from db.store import Store
from fer_phq.core.analysis import Settings
from fer_phq.models.checkpoint import SHIPPED, read_bundle
from service.ingest.recordings import add_recording
from service.settings import AppSettings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]

READ = """async audio => {
    const bytes = new Uint8Array(await (await fetch(audio.src)).arrayBuffer());
    return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""));
}"""


def two_voices(settings: AppSettings, store: Store, path: Path) -> str:
    """A session of two voices that does not know which is the subject's."""
    session = add_recording(
        settings,
        store,
        write_talk(path),
        subject_id=store.subjects.create(label="P-1").id,
        recorded_at=datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
        consent_by="AB",
        consent_text="1",
        enqueue=False,
    )
    analysis = replace(talk_analysis(path), model_id=read_bundle(SHIPPED).model_id)
    own = Settings(all_faces=True, speech=True, face_rate=0)
    store.analyses.save(session_id=session.session_id, analysis=analysis, settings=own)
    return session.session_id


def test_each_voice_is_heard_and_one_is_chosen(
    installation: AppSettings, store: Store, page: Any, tmp_path: Path
) -> None:
    session_id = two_voices(installation, store, tmp_path / "talk.mkv")
    with dashboard(installation) as address:
        opened(page, f"{address}/session?session={session_id}")
        audio = page.locator("audio")
        before = ""
        for name, hertz in (("Speaker 1", LOW), ("Speaker 2", HIGH), ("Speaker 1", LOW)):
            page.get_by_role("button", name=f"Play {name}").click()
            eventually(page, lambda b=before: audio.count() == 1 and audio.evaluate("a => a.src") != b)
            before = audio.evaluate("a => a.src")
            eventually(page, lambda: audio.evaluate("a => a.readyState >= 2 && a.currentTime > 0"))
            with wave.open(io.BytesIO(base64.b64decode(audio.evaluate(READ)))) as file:
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768)
            assert audio.evaluate("a => a.duration") == pytest.approx(3.0, abs=0.05)
            assert pitch_of(samples) == pytest.approx(hertz, rel=0.2)
        assert violations(page) == []
        page.get_by_role("radiogroup", name="This voice is the subject's").get_by_text("Speaker 2").click()
        assert page.locator("audio").count() == 1, "it stays to be heard again"
        page.get_by_role("button", name="Use this voice").click()
        page.get_by_text("This session is being analysed").first.wait_for()
        job = store.jobs.latest(session_id=session_id)
        assert job is not None
        assert job.settings is not None
        assert job.settings["subject_turns"] == [[5.2, 8.2], [11.9, 16.9]]
        calm(page)
