"""The example notebook runs from its first to its last cell, and shows what it keeps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from migrated import migrate
from notebook_cells import run_notebook
from synthetic_sessions import seed_store

import fer_phq
from db.store import Store
from fer_phq.core.errors import StoreError
from service.settings import AppSettings

NOTEBOOK = Path(__file__).parents[2] / "examples" / "first_analysis.ipynb"


@pytest.fixture
def seeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppSettings:
    """An installation with one person of three sessions."""
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(tmp_path / "data"))
    settings = AppSettings(data_dir=tmp_path / "data")
    settings.prepare()
    migrate(settings.database_url)
    with Store(settings.database_url, actor="test") as store:
        seed_store(store, subjects=1, sessions=3, seconds=30, now=datetime(2026, 3, 2, 9, tzinfo=UTC))
    return settings


def outputs(notebook: dict[str, Any]) -> list[list[str]]:
    """The media types of what each code cell shows."""
    return [
        [kind for output in cell["outputs"] for kind in output.get("data", {})]
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("seeded")
def test_the_notebook_runs_and_shows_what_it_keeps() -> None:
    kept = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    run = run_notebook(NOTEBOOK)
    assert outputs(run) == outputs(kept)
    assert [bool(kinds) for kinds in outputs(kept)] == [True] * 6 + [False]
    card = "".join(run["cells"][1]["outputs"][0]["data"]["text/html"])
    assert "demonstration-1.mp4" in card
    assert "simulated: a demonstration" in card


def test_a_trend_is_what_the_page_shows_and_an_entry_of_the_audit(seeded: AppSettings) -> None:
    with fer_phq.open_store() as store:
        (label,) = store.people()["label"]
        trend = store.trend(label)
        with pytest.raises(StoreError, match="no subject 'P99'"):
            store.trend("P99")
    sessions = trend.to_frame()
    assert len(sessions) == 3
    assert sessions["recorded_at"].is_monotonic_increasing
    card = trend._repr_html_()
    for session in sessions.itertuples():
        assert f"{session.recorded_at:%Y-%m-%d}" in card
        assert f"estimate {session.phq_score:.1f}, 90% interval {session.phq_low:.1f} to" in card
    assert len(trend.answers) == card.count(">questionnaire<")
    assert "a demonstration, of nobody" in repr(trend)
    assert "simulated labels say nothing about anybody" in repr(trend)
    with Store(seeded.database_url, actor="test") as opened:
        (entry, *_) = opened.audit.list_newest(limit=1)
    assert (entry.actor, entry.action, entry.detail) == ("notebook", "read", "trend")


def test_without_a_store_it_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(tmp_path / "none"))
    with pytest.raises(StoreError):
        fer_phq.open_store()
