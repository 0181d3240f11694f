"""`fer-phq transcribe`: a document of a real person's words, and refusals before any work."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fer_phq.transcription import weights
from fer_phq.words import read_transcript
from service import cli


@pytest.fixture
def clip() -> Path:
    """Ten seconds of a person who reads, in the package of the weights."""
    spec = find_spec(weights.PACKAGE)
    if spec is None:
        pytest.skip("needs the extra 'speech'")
    return Path(spec.submodule_search_locations[0]) / "assets" / "beckett.wav"


def transcribe(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, ["transcribe", *map(str, arguments)])


def test_a_document_is_written_and_said(clip, tmp_path: Path):
    result = transcribe(clip, "--out", tmp_path / "words.vtt")
    assert result.exit_code == 0
    assert "2 segments" in result.stdout
    assert "moonshine-tiny-en-d05f3599" in result.stdout
    assert "Ever tried" in read_transcript(tmp_path / "words.vtt").utterances[0].text
    again = transcribe(clip, "--out", tmp_path / "words.vtt")
    assert again.exit_code == 1
    assert "--force" in str(again.exception)
    assert transcribe(clip, "--out", tmp_path / "words.json").exit_code == 0
    assert json.loads((tmp_path / "words.json").read_text())["language"] == "en"


def test_without_a_file_text_is_printed(clip):
    result = transcribe(clip)
    assert result.exit_code == 0
    assert "[00:00] Speaker 1: Ever tried" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--out", "words.docx"), "let its name end in one of"),
        (("--out", "none/words.vtt"), "there is no folder none"),
        (("--language", "de"), "knows English alone"),
        (("--model", "none", "--language", "de"), "There is no folder none"),
    ],
)
def test_what_cannot_be_done_is_refused_before_the_work(arguments, sentence, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = transcribe("missing.mp4", *arguments)  # the recording is not looked at first
    assert result.exit_code == 1
    assert sentence in str(result.exception)


def test_a_file_that_is_no_recording(tmp_path: Path):
    if find_spec(weights.PACKAGE) is None:
        pytest.skip("needs the extra 'speech'")
    (tmp_path / "text.mp4").write_text("not a video")
    result = transcribe(tmp_path / "text.mp4", "--out", tmp_path / "words.vtt")
    assert result.exit_code == 1
    assert "text.mp4" in str(result.exception)
    assert not (tmp_path / "words.vtt").exists()
