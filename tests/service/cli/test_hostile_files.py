"""Files that attack the command line: without an end, with names that steer the terminal, a folder without a pen."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from recordings import Recordings

from db.migrate import upgrade
from fer_phq.core.paths import printable
from service import cli
from service.logs import configure_logging
from service.models.active_model import active_bundle
from service.settings import AppSettings

ROOT = Path(__file__).parents[3]
STEERING = "\x1b]0;owned\x07\x1b[2J\x9b31mred\r\nError: \u202ecod.exe"


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[tuple[int, str]]:
    """Run the command line in this process. Returns the exit code and everything that it printed."""
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(tmp_path / "data"))
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["fer-phq", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return int(end.value.code or 0), "".join(capsys.readouterr())

    yield run
    root.handlers[:], root.level = before


def steers(text: str) -> list[str]:
    """The characters of a text that a terminal obeys."""
    return [character for character in text if character not in printable(character, keep_lines=True)]


def test_what_a_terminal_obeys_is_escaped() -> None:
    assert printable("Müller 李 שלום 😀 session.mp4") == "Müller 李 שלום 😀 session.mp4"
    assert printable("a\x1b[2J\x9b\x7f\r\n\t\u2028\u202e\udc80") == r"a\x1b[2J\x9b\x7f\r\n\t\u2028\u202e\udc80"
    assert printable("a\n\tb\rc", keep_lines=True) == "a\n\tb\\rc"
    assert steers(STEERING) != []


def test_names_of_files_do_not_steer_the_terminal(run, tmp_path: Path, recordings: Recordings) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / f"{STEERING}.pdf".replace("/", "")).write_text("x")
    (folder / f"{STEERING}.mp4".replace("/", "")).write_text("x")
    good = recordings(seconds=1)
    for arguments in (
        ("analyze", str(folder)),
        ("analyze", str(folder / f"{STEERING}.mp4")),
        ("analyze", str(tmp_path / STEERING)),
        ("analyze", str(good), "--transcript", str(tmp_path / f"{STEERING}.vtt")),
        ("analyze", str(good), "--model", STEERING),
        ("models", "show", STEERING),
    ):
        code, output = run(*arguments)
        assert code != 0, arguments
        assert steers(output) == [], arguments
        assert "Traceback" not in output


def test_a_model_card_does_not_steer_the_terminal(run, tmp_path: Path) -> None:
    bundle = shutil.copytree(active_bundle(AppSettings(data_dir=tmp_path)).path, tmp_path / "bundle")
    (bundle / "MODEL_CARD.md").write_text(f"# Card\n\n{STEERING}\n", encoding="utf-8")
    code, output = run("models", "show", str(bundle))
    assert (code, "Card" in output, "owned" in output) == (0, True, True)
    assert [character for character in steers(output) if character != "\x1b"] == []
    assert "\x1b]" not in output
    assert "\x1b[2J" not in output


def test_a_transcripts_words_do_not_steer_the_terminal(run, tmp_path: Path, recordings: Recordings) -> None:
    transcript = tmp_path / "a.vtt"
    speaker = STEERING.replace("\r\n", "")
    transcript.write_text(f"WEBVTT\n\n00:00.000 --> 00:01.000\n<v {speaker}>Hello there.\n", encoding="utf-8")
    options = ("--transcript", str(transcript))
    for more in (("--speaker", "Nobody"), ("--json",), ()):
        _, output = run("analyze", str(recordings(seconds=1)), *options, *more)
        assert [character for character in steers(output) if character != "\x1b"] == []
        assert "\x1b]" not in output


def test_names_in_logs_do_not_steer_the_terminal_or_forge_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        monkeypatch.delenv("FERPHQ_LOG_LEVEL", raising=False)
        configure_logging("INFO")
        logging.getLogger("service").warning("file %s", STEERING)
        try:
            raise ValueError(STEERING)
        except ValueError:
            logging.getLogger("service").exception("failed")
    finally:
        root.handlers[:], root.level = before
    output = capsys.readouterr().err
    assert steers(output) == []
    assert output.splitlines()[1] == "ERROR service: failed"


def test_a_file_without_an_end_is_refused_before_it_is_read(run, tmp_path: Path, recordings: Recordings) -> None:
    sparse = tmp_path / "sparse.mp4"
    shutil.copy(recordings(seconds=1), sparse)
    good = shutil.copy(sparse, tmp_path / "good.mp4")
    os.truncate(sparse, 100 * 10**9)
    for arguments in (
        (str(sparse),),
        (str(sparse), "--subject", "P01", "--consent-by", "form"),
        (str(good), "--audio", str(sparse)),
        (str(good), "--transcript", str(sparse)),
    ):
        code, output = run("analyze", *arguments)
        assert (code, output.count("\n")) == (1, 1), output
        assert "sparse.mp4' is larger than the 8 GiB that FERPHQ_MAX_UPLOAD_BYTES allows" in output
    os.truncate(sparse, 10**9)
    code, output = run("analyze", str(good), "--transcript", str(sparse))
    assert (code, "The transcript sparse.mp4 is larger than" in output) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("dashboard", "--port", "0"), marks=pytest.mark.slow),
        ("db", "upgrade"),
        ("analyze", "x.mp4", "--subject", "P01", "--consent-by", "form"),
    ],
)
def test_a_data_folder_that_cannot_be_written_is_one_sentence(arguments: tuple[str, ...], tmp_path: Path) -> None:
    settings = AppSettings(data_dir=tmp_path / "data")
    settings.prepare()
    upgrade(settings.database_url)
    command = [sys.executable, "-m", "service.cli", *arguments]
    if os.geteuid() == 0:  # who may do everything writes here, too, unless that right is given away
        if not shutil.which("setpriv"):
            pytest.skip("needs setpriv for root")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    folders = [path for path in settings.data_dir.rglob("*") if path.is_dir()]
    for path in (*settings.data_dir.rglob("*"), settings.data_dir):
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        surroundings = {**os.environ, "PYTHONPATH": str(ROOT), "FERPHQ_DATA_DIR": str(settings.data_dir)}
        result = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=60)
    finally:
        for path in (settings.data_dir, *folders):
            path.chmod(0o700)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: The data")
    assert result.stderr.count("\n") == 1
