"""`fer-phq train` and `fer-phq evaluate` as a person types them."""

import contextlib
import io
import json
import subprocess
import sys
from types import SimpleNamespace

import emotion_corpora
import numpy as np
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from fer_phq.core.emotions import EMOTIONS
from service import cli


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A root with `ferplus/train.parquet` and `ferplus/valid.parquet`."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(1)
    (root / "ferplus").mkdir()
    for part, count in (("train", 70), ("valid", 21)):
        images = [emotion_corpora.pattern(i % 7, rng) for i in range(count)]
        votes = [{EMOTIONS[i % 7]: 9} for i in range(count)]
        emotion_corpora.write_part(root / "ferplus" / f"{part}.parquet", images, votes)
    return root


@pytest.fixture
def run(monkeypatch):
    """Run the command line's own entry point in this process, as the console script does."""

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["fer-phq", *map(str, args)])
        stdout, stderr = io.StringIO(), io.StringIO()
        streams = (contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr))
        with streams[0], streams[1], pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code or 0
        return SimpleNamespace(exit_code=code, stdout=stdout.getvalue(), output=stdout.getvalue() + stderr.getvalue())

    return run


def test_a_recipe_is_trained_by_name(run, data, tmp_path):
    args = ("train", "emotion", "fer2013_simple_cnn", f"root={data}", "phases=[{epochs: 1, image_size: 16}]")
    done = run(*args, "tracker=none", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "epoch 1/1 at 16 px" in done.output
    assert (tmp_path / "run" / "weights.safetensors").is_file()
    again = run(*args, "--out", tmp_path / "run")
    assert again.exit_code == 1
    assert "already holds a run" in again.output


@pytest.mark.parametrize("words", [("evaluate",), ("evaluate", "emotion")])
def test_a_checkpoint_is_evaluated_with_or_without_the_word(run, data, tmp_path, words):
    done = run(*words, "fer-vit-convstem", f"ferplus:{data}/ferplus#valid", "--json", "--out", tmp_path / "report")
    assert done.exit_code == 0, done.output
    assert {"confusion.png", "reliability.png"} <= {path.name for path in (tmp_path / "report").iterdir()}
    found = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert found["datasets"][0]["metrics"]["n"] == 21


def test_several_are_judged_by_their_mean(run, data):
    one = ("evaluate", "fer-vit-convstem", f"ferplus:{data}/ferplus#valid", "--json")
    alone, twice = (run(*one, *more) for more in ((), ("--with", "fer-vit-convstem")))
    assert twice.exit_code == 0, twice.output
    judged, judged_twice = (json.loads(done.stdout)["datasets"][0] for done in (alone, twice))
    assert judged_twice["model_id"] == "fer-vit-convstem and fer-vit-convstem"
    assert judged_twice["metrics"]["confusion"] == judged["metrics"]["confusion"]


def test_what_cannot_be_done_is_one_sentence(run, data):
    for args, said in (
        (("train", "emotion", "none"), "No recipe 'none'"),
        (("evaluate", "fer-vit-convstem", "nothing"), "CORPUS:PATH"),
        (("evaluate", "no-such-model", f"ferplus:{data}/ferplus#valid"), "no-such-model"),
        (("evaluate", "fer-vit-convstem", f"ferplus:{data}/ferplus#valid", "--with", "none"), "'none'"),
    ):
        done = run(*args)
        assert done.exit_code == 1
        assert said in done.output


def test_a_missing_package_is_named(data, monkeypatch):
    from fer_phq.core.errors import FerPhqError

    monkeypatch.setitem(sys.modules, "training.emotion.train", None)
    monkeypatch.setitem(sys.modules, "accelerate", None)
    for name in [name for name in sys.modules if name.startswith("training.") and name != "training.emotion.train"]:
        if not name.endswith(".messages"):  # a template is declared once
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "training.emotion.train")
    with pytest.raises(FerPhqError, match=r"needs accelerate.*fer-phq\[train\]"):
        CliRunner().invoke(cli.app, ["train", "emotion", "teacher", f"root={data}"], catch_exceptions=False)


def test_a_stopped_run_says_how_to_go_on(run, data, tmp_path, monkeypatch):
    from training.emotion import train

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "fit", stop)
    done = run("train", "emotion", "fer2013_simple_cnn", f"root={data}", "tracker=none", "--out", tmp_path / "run")
    assert done.exit_code == 130
    assert done.output.endswith("Stopped; go on with --resume.\n")


def test_one_function_is_the_command_and_the_module():
    from training.emotion import commands as emotion
    from training.phq import commands as phq

    root = get_command(cli.app)
    registered = {
        (group, name): command.callback.__wrapped__
        for group in ("train", "evaluate")
        for name, command in root.commands[group].commands.items()
    }
    assert registered["train", "emotion"] is emotion.train
    assert registered["evaluate", "emotion"] is emotion.evaluate
    assert registered["evaluate", "phq"] is phq.evaluate


def test_help_loads_nothing_heavy():
    heavy = ("torch", "timm", "accelerate", "datasets", "sklearn", "mapie", "matplotlib", "onnxruntime", "streamlit")
    code = (
        "import sys, time\nfrom service import cli\n"
        "sys.argv = ['fer-phq', 'train', 'emotion', '--help']\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print('loaded:', [name for name in {heavy} if name in sys.modules], file=sys.stderr)\n"
        "print('seconds:', time.process_time(), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, seconds = done.stderr.splitlines()[-2:]
    assert "RECIPE" in done.stdout.upper()
    assert loaded == "loaded: []"
    assert float(seconds.split()[1]) < 15
