"""The loop on generated corpora: it learns, stops and goes on, passes from stage to stage, and distils."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from fer_phq.core.emotions import EMOTIONS
from fer_phq.models.model import load_model
from training.emotion import bundle, train
from training.emotion.data.corpora import Source, load_faces
from training.emotion.networks.build import Teacher, load_run, merged_state
from training.emotion.recipe import load_recipe, save_recipe, shipped_recipes
from training.simulation import shipped_heads

ROOT = Path(__file__).parents[3]
SHORT = (
    "phases=[{epochs: 1, image_size: 16}, {epochs: 2, image_size: 24}]",
    "batch_size=16",
    "schedule.warmup_epochs=0.5",
    "ema_decay=0.5",
    "data.calibration=0.15",
    "tracker=none",
)
SMALL_NETWORK = {
    "face_vit_phq": "{drop_rate: 0.1, depth: 2}",
    "vit_base_fer": "{depth: 1}",
    "vit_base_lora": "{depth: 1}",
    "iterative_nine_class": "{depth: 1}",
    "direct_nine_class": "{depth: 1}",
    "teacher_vit": "{depth: 1}",
}
"""Recipes of large networks are tried with fewer blocks: the recipe's other lines are what is tried."""


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def weights_of(folder):
    return load_file(folder / "weights.safetensors")


def assert_same_weights(one, other):
    for name, value in weights_of(one).items():
        torch.testing.assert_close(weights_of(other)[name], value, msg=name)


@pytest.fixture(autouse=True)
def fresh_accelerate():
    """Let each test state its precision: accelerate holds a process to its first run's, and refuses another."""
    AcceleratorState._reset_state()
    yield
    AcceleratorState._reset_state()


@pytest.fixture(scope="module")
def teacher_run(corpus, tmp_path_factory):
    """The teacher's recipe, short, to its end."""
    out = tmp_path_factory.mktemp("runs") / "teacher"
    args = ["teacher", *SHORT, f"root={corpus.parent}", "optimiser.learning_rate=0.02", "tracker=tensorboard"]
    assert train.main([*args, "--out", str(out)]) == 0
    return out


def student_args(teacher, corpus):
    teachers = [f"stages.{stage}.distil.teachers=['{teacher}']" for stage in (0, 1)]
    phases = "[{epochs: 1, image_size: 16}, {epochs: 1, image_size: 24}]"
    short = [f"stages.{stage}.phases={phases}" for stage in (0, 1)]
    return ["shipped", *short, *SHORT[1:], f"root={corpus.parent}", f"network.init_from={teacher}", *teachers]


@pytest.fixture(scope="module")
def student_run(teacher_run, corpus, tmp_path_factory):
    """The shipped recipe, short, distilled from the short teacher."""
    out = tmp_path_factory.mktemp("runs") / "student"
    assert train.main([*student_args(teacher_run, corpus), "--out", str(out)]) == 0
    return out


def test_training_lowers_the_loss_and_writes_a_line_an_epoch(teacher_run):
    log = log_of(teacher_run)
    assert [line["epoch"] for line in log] == [1, 2, 3]
    assert [line["image_size"] for line in log] == [16, 24, 24]
    assert log[-1]["step_loss"] < log[0]["step_loss"]
    assert log[-1]["train_accuracy"] > 2 / 7
    facts = json.loads((teacher_run / "run.json").read_text())
    assert facts["finished_at"]
    assert facts["train_images"] + 7 < 140
    assert any("left out: their pixels stand in valid" in line for line in facts["data"])


def test_the_curves_and_the_confusion_matrix_are_in_tensorboard(teacher_run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(next(teacher_run.rglob("events.*")).parent))
    events.Reload()
    drawn = [round(point.value, 4) for point in events.Scalars("accuracy/valid")]
    assert drawn == [round(line["valid_accuracy"], 4) for line in log_of(teacher_run)]
    assert {"loss/train", "loss/valid", "accuracy/gap", "learning_rate"} <= set(events.Tags()["scalars"])
    assert len(events.Images("confusion")) == 3


@pytest.mark.slow
def test_a_student_starts_from_its_teacher_and_learns_from_it(student_run, teacher_run, corpus):
    student, recipe = load_run(student_run)
    assert [stage.distil.teachers for stage in recipe.stages] == [(str(teacher_run),)] * 2
    assert [stage.distil.views for stage in recipe.stages] == ["augmented", "clean"]
    assert [(line["stage"], line["epoch"]) for line in log_of(student_run)] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    teacher = Teacher((str(teacher_run),), EMOTIONS, 1)
    given = teacher(torch.rand(4, 1, 24, 24), 1.0)
    assert given.shape == (4, 7)
    torch.testing.assert_close(given.sum(1), torch.ones(4))
    assert torch.isfinite(student(torch.rand(2, 1, 24, 24))).all()


def test_a_teacher_judges_an_image_and_its_mirror_alike(teacher_run, corpus):
    teacher = Teacher((str(teacher_run),), EMOTIONS, 1)
    faces = load_faces(Source(corpus="ferplus", path=str(corpus), split="valid"), EMOTIONS, grey=True)
    judged = teacher.predict(faces, 1.0, "cpu")
    mirrored = dataclasses.replace(faces, images=np.ascontiguousarray(faces.images[:, :, ::-1]))
    assert judged.shape == (len(faces), 7)
    np.testing.assert_allclose(judged, teacher.predict(mirrored, 1.0, "cpu"), atol=1e-6)
    assert not np.allclose(judged, teacher.predict(faces, 4.0, "cpu"), atol=1e-3)


@pytest.mark.parametrize("when", [1, 9, 23])
@pytest.mark.slow
def test_a_run_that_was_interrupted_goes_on_to_the_same_weights(
    student_run, teacher_run, corpus, tmp_path, monkeypatch, when
):
    calls, train_step = [], train.train_step

    def interrupted(run, *args):
        calls.append(1)
        if len(calls) == when:
            os.kill(os.getpid(), signal.SIGTERM)
        return train_step(run, *args)

    monkeypatch.setattr(train, "train_step", interrupted)
    args = [*student_args(teacher_run, corpus), "--out", str(tmp_path)]
    assert train.main(args) == 130
    monkeypatch.undo()
    assert train.main([*args, "--resume"]) == 0
    assert_same_weights(student_run, tmp_path)
    assert [line["valid_accuracy"] for line in log_of(tmp_path)] == [
        line["valid_accuracy"] for line in log_of(student_run)
    ]


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_from_its_last_state(student_run, teacher_run, corpus, tmp_path):
    """SIGKILL in the second epoch of a process of its own, at this one's precision: nothing could be tidied up."""
    args = [*student_args(teacher_run, corpus), f"precision={train.fast_precision()}", "--out", str(tmp_path)]
    code = (
        "import sys, os, signal\nfrom training.emotion import train\nstep, calls = train.train_step, []\n"
        "def dies(*a):\n    calls.append(1)\n    if len(calls) == 11: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return step(*a)\ntrain.train_step = dies\nsys.exit(train.main(sys.argv[1:]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *args], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert train.main([*args, "--resume"]) == 0
    assert_same_weights(student_run, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in shipped_recipes() if name not in ("teacher", "shipped")])
def test_every_recipe_takes_two_steps(name, every_corpus, tmp_path):
    size = 28 if "nine_class" in name or name == "teacher_vit" else 48 if name.startswith("fer2013") else 32
    args = [name, f"root={every_corpus}", "batch_size=2", f"phases=[{{epochs: 1, image_size: {size}}}]", "max_steps=2"]
    args += ["network.init_from=null", "schedule.warmup_epochs=0", "schedule.warmup_steps=1", "tracker=none"]
    if name in SMALL_NETWORK:
        args.append(f"network.options={SMALL_NETWORK[name]}")
    assert train.main([*args, "--out", str(tmp_path)]) == 0
    recipe = load_recipe(shipped_recipes()[name])
    assert [line["stage"] for line in log_of(tmp_path)] == list(range(1, len(recipe.stages) + 1))
    net, _ = load_run(tmp_path)
    assert net.head.out_features == len(recipe.stages[-1].classes)
    assert all(torch.isfinite(value).all() for value in net.state_dict().values())


@pytest.mark.slow
def test_adapters_are_merged_into_what_is_written(every_corpus, tmp_path):
    args = ["vit_base_lora", f"root={every_corpus}", "batch_size=4", "phases=[{epochs: 1, image_size: 32}]"]
    args += [
        "network.init_from=null",
        "schedule.warmup_epochs=0",
        "tracker=none",
        "max_steps=4",
        "precision=no",  # what is read back computes in float32
    ]
    args += ["network.options={depth: 2, embed_dim: 48, num_heads: 4}"]
    recipe = load_recipe(shipped_recipes()["vit_base_lora"], tuple(args[1:]))
    run, parts = train.setup(recipe, tmp_path)
    trained = sum(p.numel() for p in run.net.backbone.parameters() if p.requires_grad)
    assert 0 < trained < 0.2 * sum(p.numel() for p in run.net.backbone.parameters())
    train.fit(run, parts)
    save_recipe(recipe, tmp_path / "recipe.yaml")
    merged, _ = load_run(tmp_path)
    assert not any("lora" in name for name in merged_state(run.unwrapped_net))
    images = torch.rand(3, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(merged(images), run.unwrapped_net.eval()(images), atol=1e-5, rtol=1e-4)


def test_a_network_of_one_size_is_told_before_the_first_step(corpus, tmp_path, capsys):
    args = ["teacher_vit", f"root={corpus.parent}", "network.init_from=null", "network.options={depth: 1}"]
    assert train.main([*args, "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "42 px" in error
    assert "dynamic_img_size" in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_patience_ends_a_run_and_keeps_its_best_epoch(corpus, tmp_path):
    args = ["fer2013_simple_cnn", f"root={corpus.parent}", "phases=[{epochs: 9, image_size: 16}]", "batch_size=64"]
    args += ["optimiser.learning_rate=1e-9", "patience=2", "tracker=none", "--out", str(tmp_path)]
    assert train.main(args) == 0
    log = log_of(tmp_path)
    assert len(log) < 9
    best = max(range(len(log)), key=lambda i: log[i]["valid_accuracy"])
    assert len(log) == best + 3


@pytest.mark.slow
def test_wandb_writes_offline_when_asked(corpus, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    args = ["fer2013_simple_cnn", f"root={corpus.parent}", "phases=[{epochs: 1, image_size: 16}]", "tracker=wandb"]
    assert train.main([*args, "--out", str(tmp_path)]) == 0
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))


def test_what_cannot_be_trained_is_one_sentence(corpus, tmp_path, capsys, teacher_run):
    base = ["teacher", *SHORT, f"root={corpus.parent}"]
    for args, said in (
        ([*base, f"root={tmp_path}", "--out", str(tmp_path / "a")], "No corpus at"),
        ([*base, "network.backbone=vit_none", "--out", str(tmp_path / "b")], "vit_none"),
        ([*base, "batch_size=4000", "--out", str(tmp_path / "c")], "fewer than one step"),
        ([*base, "--resume", "--out", str(tmp_path / "d")], "Nothing to resume"),
        ([*base, "--out", str(teacher_run)], "already holds a run"),
        ([*base, "network.init_from=none.safetensors", "--out", str(tmp_path / "e")], "No weights at"),
        ([*base, "distil={teachers: [none]}", "--out", str(tmp_path / "f")], "none"),
    ):
        assert train.main(args) == 1
        assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_bundle_gives_what_its_metrics_say_and_takes_a_phq_head(student_run, corpus, tmp_path):
    metrics = bundle.make_bundle(student_run, tmp_path)
    model = load_model(tmp_path)
    _, recipe = load_run(student_run)
    parts = train.load_stage_data(recipe.stages[0], recipe.root, True, 24)
    given = model.predict_emotions(parts.valid.crops())
    assert given.shape == (42, len(EMOTIONS))
    assert (given.argmax(1) == parts.valid.labels).mean() == pytest.approx(metrics.accuracy)
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert (written["n"], sum(one["n"] for one in written["agreement"])) == (42, 42)
    found = shipped_heads.train_heads(tmp_path, corpus, seed=0, subjects=24)
    again = load_model(tmp_path)
    assert again.bundle.config.phq.provenance == "simulated"
    assert again.bundle.config.phq.heads[0]["inputs"]
    assert again.face_kind == model.face_kind
    assert again.model_id != model.model_id
    assert found.n + found.abstained == 24
    assert json.loads((tmp_path / "phq_metrics.json").read_text())["n"] == found.n


def test_the_temperature_that_was_put_in_is_found():
    torch.manual_seed(0)
    logits = torch.randn(4000, 7)
    targets = torch.nn.functional.one_hot(torch.distributions.Categorical(logits=logits).sample(), 7).float()
    assert bundle.fit_temperature(logits * 2.5, targets) == pytest.approx(2.5, rel=0.1)


@pytest.mark.slow
def test_two_processes_share_a_run_and_give_one_log(corpus, tmp_path):
    """Under torchrun on the CPU: half of each step's images each, one log, the same weights as one process."""
    args = ["fer2013_simple_cnn", f"root={corpus.parent}", "phases=[{epochs: 2, image_size: 16}]", "tracker=none"]
    args.append("precision=no")  # halves of a batch round otherwise than the whole does
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "training.emotion"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, *args, "batch_size=32", "--out", str(tmp_path / "two")],
        cwd=ROOT, check=False, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch 2/2") == 1
    assert train.main([*args, "batch_size=64", "--out", str(tmp_path / "one")]) == 0
    for name, value in weights_of(tmp_path / "one").items():
        torch.testing.assert_close(weights_of(tmp_path / "two")[name], value, atol=1e-5, rtol=1e-4, msg=name)
