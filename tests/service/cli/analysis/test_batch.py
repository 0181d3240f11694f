"""`fer-phq analyze --queue`: a folder or a manifest through real workers, its report, and what it refuses."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from recordings import Recordings
from typer.testing import CliRunner, Result

from db.records import JobPriority
from db.store import Store
from service import cli
from service.settings import AppSettings
from tests.worker_processes import Workers


@pytest.fixture
def study(tmp_path: Path, recordings: Recordings) -> Path:
    """Two subjects' folders with a recording each, and one that is none."""
    for name, motion in (("P01/a.mp4", "still"), ("P02/b.mp4", "moving")):
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True)
        shutil.copy(recordings(seconds=1, motion=motion), path)
    (tmp_path / "study/P02/text.mp4").write_text("not a video")
    return tmp_path / "study"


def analyze(settings: AppSettings, *arguments: str | Path) -> Result:
    environment = {
        "FERPHQ_DATA_DIR": str(settings.data_dir),
        "FERPHQ_MIN_FREE_BYTES": "0",
        "FERPHQ_WORKER_TIMEOUT_S": "2",
    }
    return CliRunner().invoke(cli.app, ["analyze", *map(str, arguments)], env=environment)


def rows(report: Path) -> list[dict[str, str]]:
    with report.open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_nobody_waits_for_is_queued_and_reported(
    settings: AppSettings, store: Store, study: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    arguments = ("--queue", study, "--consent-by", "Dr Meyer", "--no-wait", "--fps", "4", "--report", report)
    result = analyze(settings, *arguments)
    assert result.exit_code == 1, "one recording was refused"
    states = {row["file"]: row["state"] for row in rows(report)}
    assert states == {"P01/a.mp4": "waiting", "P02/b.mp4": "waiting", "P02/text.mp4": "refused"}
    assert "P02/text.mp4: refused." in result.stderr
    jobs = store.jobs.list_queued()
    assert [(job.priority, job.settings) for job in jobs] == [(JobPriority.BATCH, {"fps": 4.0})] * 2
    (study / "P02/text.mp4").unlink()
    again = analyze(settings, *arguments, "--json")
    assert again.exit_code == 0
    documents = [json.loads(line) for line in again.stdout.splitlines()]
    assert [document["job_id"] for document in documents] == [job.id for job in jobs]
    assert store.jobs.list_queued() == jobs, "started once more, nothing is stored or queued twice"
    assert {(row["recorded_at_from"], row["recorded_at"] != "") for row in rows(report)} == {("stored before", True)}


def test_what_is_stored_otherwise_and_by_which_date_is_in_the_report_and_on_the_screen(
    settings: AppSettings, store: Store, study: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    arguments = ("--queue", study / "P01", "--subject", "A", "--consent-by", "AB", "--no-wait", "--report", report)
    first = analyze(settings, *arguments)
    assert first.exit_code == 0
    assert "1 recording was stored under its file's own date" in first.stderr
    assert [row["recorded_at_from"] for row in rows(report)] == ["file"]
    (study / "list.csv").write_text("file,subject_id,recorded_at\nP01/a.mp4,A,2026-03-02 09:30\n")
    again = analyze(settings, "--queue", study / "list.csv", *arguments[4:])
    assert again.exit_code == 1
    assert "P01/a.mp4: stored otherwise. The recording is session" in again.stderr
    (row,) = rows(report)
    session = store.sessions.get(session_id=row["session_id"])
    assert (row["state"], row["code"]) == ("stored otherwise", "ingest.stored_otherwise")
    assert "it was recorded at" in row["reason"]
    assert row["recorded_at"] == session.recorded_at.isoformat()


def test_without_a_worker_the_waiting_ends(settings: AppSettings, store: Store, study: Path) -> None:
    result = analyze(
        settings, "--queue", study / "P01", "--subject", "=1+1", "--consent-by", "AB", "--report", "/dev/null"
    )
    assert result.exit_code == 1
    assert "No worker is running" in result.stderr
    assert len(store.jobs.list_queued()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--queue", "study"), "--consent-by"),
        (("--queue", "study", "--consent-by", "AB", "--csv", "out"), "--csv does not go together with --queue"),
        (("--queue", "study", "--consent-by", "AB", "--no-save"), "--save/--no-save does not go together"),
        (("--queue", "study/P01/a.mp4", "--consent-by", "AB"), "--queue takes tables"),
        (("--queue", "study", "--consent-by", "AB", "--report", "none/report.csv"), "cannot be written"),
        (("--queue", "study", "--consent-by", "AB", "--fps", "0"), "above 0"),
        (("study/P01/a.mp4", "--report", "report.csv"), "--report belongs to --queue"),
        (("study/P01/a.mp4", "--no-wait"), "--no-wait belongs to --queue"),
    ],
)
def test_options_that_do_not_go_together(
    settings: AppSettings,
    store: Store,
    study: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.chdir(study.parent)
    result = analyze(settings, *arguments)
    assert sentence in str(result.exception)
    assert store.subjects.list_all() == []


def test_a_manifest_that_is_wrong_queues_nothing(settings: AppSettings, store: Store, study: Path) -> None:
    lines = "".join(f"none-{number}.mp4,A\n" for number in range(30))
    (study / "list.csv").write_text(f"file,subject_id\nP01/a.mp4,A\n{lines}")
    result = analyze(settings, "--queue", study / "list.csv", "--consent-by", "AB")
    assert result.exit_code == 1
    assert "Row 3" in result.stderr
    assert "and 10 more" in result.stderr
    assert "Nothing was queued." in result.stderr
    assert store.subjects.list_all() == []


@pytest.mark.slow
def test_workers_analyse_a_batch_after_what_somebody_waits_for(
    settings: AppSettings, store: Store, study: Path, workers: Workers, recordings: Recordings, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    workers.pace(frames=10, delay=0.02)
    workers.start()
    workers.wait(lambda: store.workers.list_all(), "a sign of life")
    result = analyze(settings, "--queue", study, "--consent-by", "AB", "--report", report)
    assert result.exit_code == 1
    good = [row for row in rows(report) if row["state"] == "analysed"]
    assert [row["file"] for row in good] == ["P01/a.mp4", "P02/b.mp4"]
    assert all(row["analysis_id"] and row["finished_at"] for row in good)
    (study / "P02/text.mp4").unlink()
    again = analyze(settings, "--queue", study, "--consent-by", "AB", "--report", report)
    assert again.exit_code == 0
    assert {row["state"] for row in rows(report)} == {"analysed before"}
    assert len(workers.analysed()) == 2
