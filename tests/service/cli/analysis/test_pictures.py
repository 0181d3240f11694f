"""Pictures on the command line: their faces in a table or as JSON; what is none has a sentence."""

import json
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image as PillowImage

from fer_phq import analyze_image
from fer_phq.core.emotions import EMOTIONS
from service import cli

CARDS = "CUDAExecutionProvider" in onnxruntime.get_available_providers()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A portrait, a picture of nobody, and a text that is called a picture."""
    folder = tmp_path_factory.mktemp("pictures")
    with files("training.simulation.puppet").joinpath("portrait.jpg").open("rb") as source:
        (folder / "portrait.jpg").write_bytes(source.read())
    PillowImage.new("RGB", (320, 200), (90, 120, 90)).save(folder / "meadow.png")
    (folder / "text.jpg").write_text("no picture")
    return folder


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    def run(*args: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fer-phq", "analyze", *map(str, args)])
        monkeypatch.setenv("FERPHQ_DATA_DIR", str(tmp_path / "data"))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def test_json_has_what_the_library_gives(run, folder):
    code, out, _ = run(folder / "portrait.jpg", folder / "meadow.png", "--json")
    portrait, meadow = map(json.loads, out.splitlines())
    rgb = np.asarray(PillowImage.open(folder / "portrait.jpg").convert("RGB"))
    (face,) = analyze_image(rgb)
    assert code == 0
    assert (portrait["height"], portrait["width"]) == rgb.shape[:2]
    (said,) = portrait["faces"]
    np.testing.assert_allclose(said["box"], face.box, atol=1)
    np.testing.assert_allclose([said["emotions"][name] for name in EMOTIONS], face.emotions, atol=0.01)
    assert meadow["faces"] == []


def test_the_table_names_the_strongest_emotions_and_says_when_there_is_no_face(run, folder):
    code, out, _ = run(folder / "portrait.jpg", folder / "meadow.png")
    assert code == 0
    assert "Face 1" in out
    assert "happiness" in out
    assert "none was found" in out


def test_what_is_no_picture_has_a_sentence_and_does_not_stop_the_others(run, folder):
    code, out, err = run(folder / "text.jpg", folder / "absent.png", folder / "portrait.jpg")
    assert code == 1
    assert "Face 1" in out
    first, second = err.splitlines()
    assert first.startswith("Error: text.jpg: This is no picture")
    assert "absent.png" in second


def test_a_picture_that_is_none_does_not_stop_the_recordings(run, folder, recordings):
    code, out, err = run(folder / "text.jpg", recordings(seconds=1), "--json")
    assert code == 1
    assert json.loads(out)["recording"]
    assert err.startswith("Error: text.jpg: This is no picture")


@pytest.mark.parametrize(
    "option",
    [
        ("--subject", "P01"),
        ("--csv", "tables"),
        ("--track", "1"),
        ("--speaker", "Client"),
        ("--sound-channel", "left"),
        ("--consent-by", "Dr Meyer"),
        ("--recorded-at", "2026-05-04"),
    ],
)
def test_what_is_only_for_recordings_is_refused(run, folder, option):
    code, out, err = run(folder / "portrait.jpg", *option)
    assert (code, out) == (1, "")
    assert err == f"Error: {option[0]} does not go together with pictures: nothing of them is stored.\n"


def test_a_picture_waits_for_no_database_and_no_pytorch(folder, tmp_path):
    code = (
        "import sys; sys.argv[1:] = ['analyze', sys.argv[1]]\nfrom service.cli import main\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        "print({'torch', 'scipy', 'pandas', 'sqlalchemy', 'onnx'} & {*sys.modules}, file=sys.stderr)"
    )
    environment = {"PATH": "/usr/bin:/bin", "FERPHQ_DATA_DIR": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
    path = shutil.copyfile(folder / "portrait.jpg", tmp_path / "portrait.jpg")
    done = subprocess.run([sys.executable, "-c", code, str(path)], env=environment, capture_output=True, text=True)
    assert "Face 1" in done.stdout
    assert done.stderr.splitlines()[-1] == "set()"


def test_a_picture_waits_for_nothing_that_only_recordings_need(folder, tmp_path):
    command = [sys.executable, "-X", "importtime", "-P", "-m", "service.cli", "analyze"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "FERPHQ_DATA_DIR": str(tmp_path),
    }
    path = str(folder / "portrait.jpg")
    done = subprocess.run([*command, path, "--json"], capture_output=True, text=True, env=environment, check=True)
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "fer_phq.pipeline.image" in modules
    heavy = {"av", "db.records", "fer_phq.words.transcripts.reading", "pandas", "rich.console", "scipy", "sqlalchemy"}
    assert not heavy & modules


@pytest.mark.skipif(CARDS, reason="onnxruntime of this environment has a CUDA provider")
def test_a_device_that_is_not_there_is_one_sentence_and_no_result(run, folder, monkeypatch):
    monkeypatch.setenv("FERPHQ_DEVICE", "cuda")
    code, out, err = run(folder / "portrait.jpg", "--json")
    assert (code, out) == (1, "")
    assert err.startswith("Error: FERPHQ_DEVICE is cuda:0, and onnxruntime ")
    assert err.count("\n") == 1
