"""The demonstration heads: put into a bundle whole, marked as simulated, or not at all."""

import json
import shutil

import numpy as np
import pytest
from emotion_corpora import pattern, write_part

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Provenance
from fer_phq.models.checkpoint import SHIPPED, read_bundle
from fer_phq.models.model import load_model
from training.simulation import shipped_heads


@pytest.fixture
def bundle(tmp_path):
    return shutil.copytree(SHIPPED, tmp_path / "bundle")


@pytest.fixture
def images(tmp_path):
    """FER+'s layout with four generated images of each emotion."""
    rng = np.random.default_rng(0)
    labels = [emotion for emotion in range(len(EMOTIONS)) for _ in range(4)]
    (tmp_path / "ferplus").mkdir()
    votes = [{EMOTIONS[label]: 10} for label in labels]
    write_part(tmp_path / "ferplus" / "train.parquet", [pattern(label, rng) for label in labels], votes)
    return tmp_path / "ferplus"


@pytest.mark.slow
def test_heads_take_the_place_of_those_that_were_there(bundle, images):
    before = read_bundle(bundle)
    verdict = shipped_heads.train_heads(bundle, images, seed=3, subjects=24)
    after = read_bundle(bundle)
    assert after.model_id != before.model_id
    assert after.face_kind == before.face_kind
    assert after.config.phq.provenance is Provenance.SIMULATED
    assert load_model(bundle).model_id == after.model_id
    written = json.loads((bundle / "phq_metrics.json").read_text())
    assert written["n"] == verdict.n > 12
    assert written["training"].startswith("24 people")
    assert (bundle / "MODEL_CARD.md").read_bytes() == (SHIPPED / "MODEL_CARD.md").read_bytes()
    assert [path.name for path in bundle.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_a_failure_on_the_way_leaves_the_bundle_as_it_was(bundle, images, monkeypatch):
    def stumble(*_):
        raise FerPhqError("the disk is full.")

    monkeypatch.setattr(shipped_heads, "evaluate", stumble)
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}
    with pytest.raises(FerPhqError, match="disk is full"):
        shipped_heads.train_heads(bundle, images, seed=0, subjects=24)
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before
    assert sorted(path.name for path in bundle.parent.iterdir()) == ["bundle", "ferplus"]


def test_no_images_is_one_sentence(bundle, tmp_path, capsys):
    assert shipped_heads.main([str(bundle), "--data", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err.startswith("Error: ")
