"""The shipped weights through the public door, and bundles that are damaged or foreign."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import fer_phq
from fer_phq.core.errors import ModelError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality, UnavailableReason
from fer_phq.models.checkpoint import SHIPPED, find_bundle, find_damaged_files, list_bundles, read_bundle
from fer_phq.models.model import load_model
from fer_phq.models.networks.backbone import create_backbone
from fer_phq.models.phq_head import head_to_arrays
from fer_phq.voice.kinds import COLUMNS
from fer_phq.voice.kinds import KIND as PROSODY


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture
def copy(tmp_path):
    """A copy of the shipped bundle that a test may damage."""
    return shutil.copytree(SHIPPED, tmp_path / "bundle")


def crops(n: int, size: tuple[int, int] = (60, 50)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (n, *size, 3), dtype=np.uint8)


def test_the_door_of_the_package_is_lazy_and_whole():
    assert fer_phq.load_model is load_model
    names = {"analyze", "analyze_image", "diarize", "load_model", "open_store", "transcribe"}
    assert set(fer_phq.__all__) == names
    with pytest.raises(AttributeError, match="diagnose"):
        _ = fer_phq.diagnose


def test_probabilities_are_float32_rows_that_sum_to_one(model):
    out = model.predict_emotions(crops(3))
    assert (out.shape, out.dtype) == ((3, 7), np.float32)
    np.testing.assert_allclose(out.sum(axis=1), 1, atol=1e-5)


def test_crops_may_be_a_list_of_any_sizes(model):
    sizes = [(48, 48), (200, 151), (13, 9), (1, 1)]
    listed = [crops(1, size)[0] for size in sizes]
    together = model.predict_emotions(listed)
    alone = np.concatenate([model.predict_emotions([crop]) for crop in listed])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_nothing_in_nothing_out(model):
    assert model.predict_emotions([]).shape == (0, 7)
    assert model.embed([]).shape == (0, model.dim)


def test_batches_do_not_change_results(model):
    many = crops(70)
    np.testing.assert_allclose(model.embed(many)[65:], model.embed(many[65:]), atol=1e-4)


def test_a_mirrored_face_has_the_same_embedding(model):
    many = crops(3)
    np.testing.assert_allclose(model.embed(many[:, :, ::-1]), model.embed(many), atol=1e-4)


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8), np.zeros((4, 0, 3), np.uint8)]
)
def test_anything_but_uint8_rgb_is_refused(model, wrong):
    with pytest.raises(ValueError, match="uint8 RGB"):
        model.predict_emotions([wrong])


def session_of(model, rows=40):
    """A session's features of some face-like noise."""
    embeddings = model.embed(crops(rows))
    return SessionFeatures(
        face=FeatureSeries(embeddings, np.arange(rows) / 2, model.face_kind), emotions=model.classify(embeddings)
    )


def test_what_a_head_does_not_take_has_no_estimate(model):
    nothing = model.estimate_phq(SessionFeatures())
    assert nothing.reason is UnavailableReason.NO_HEAD
    assert "the session has nothing" in str(nothing.message)
    face = session_of(model)
    other = SessionFeatures(face=FeatureSeries(face.face.values, face.face.time_s, "of another backbone"))
    refused = model.estimate_phq(other)
    assert refused.reason is UnavailableReason.NO_HEAD
    assert "the session has face" in str(refused.message)


def test_heads_read_the_voice_of_this_version_and_their_kinds_are_part_of_the_id(model):
    heads = [head for head in model.heads if Modality.VOICE in head.modalities]
    assert heads
    assert {head.inputs[Modality.VOICE].kind for head in heads} == {PROSODY}
    spec = replace(heads[0].inputs[Modality.VOICE], kind="prosody-1")
    other = replace(heads[0], inputs={**heads[0].inputs, Modality.VOICE: spec})
    mine, others = head_to_arrays(heads[0]), head_to_arrays(other)
    assert [name for name in mine if not np.array_equal(mine[name], others[name])] == ["kind/voice"]
    voice = FeatureSeries(np.ones((300, len(COLUMNS)), np.float32), np.arange(300) / 10, "prosody-1", COLUMNS)
    refused = model.estimate_phq(SessionFeatures(voice=voice))
    assert refused.reason is UnavailableReason.NO_HEAD
    assert "the session has voice" in str(refused.message)


def test_a_bundle_without_a_phq_head_says_so(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"phq": None}))
    (copy / "phq.safetensors").unlink()
    model = load_model(copy)
    assert model.estimate_phq(session_of(model)).reason is UnavailableReason.NO_HEAD


def test_other_image_sizes_and_timm_names_build():
    assert create_backbone("vit_resstem_small", 64, 1)(torch.zeros(1, 1, 64, 64)).shape == (1, 192)
    assert create_backbone("vit_tiny_patch16_224", 64, 3)(torch.zeros(1, 3, 64, 64)).shape == (1, 192)
    with pytest.raises(ModelError, match="vit_nonsense"):
        create_backbone("vit_nonsense", 48, 1)


def test_the_shipped_bundle_is_whole_and_small():
    bundle = read_bundle(SHIPPED)
    assert find_damaged_files(bundle) == []
    assert bundle.model_id.startswith(bundle.config.name + "-")
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 50e6
    assert "simulated" in bundle.card


def test_a_bundle_is_found_by_name_id_folder_and_environment(copy, monkeypatch):
    shipped = find_bundle()
    assert find_bundle(shipped.config.name) == shipped
    assert find_bundle(shipped.model_id) == shipped
    assert find_bundle(copy).path == copy
    monkeypatch.setenv("FERPHQ_MODEL", str(copy))
    assert find_bundle().path == copy


def test_bundles_in_the_data_folder_are_listed(copy, tmp_path, monkeypatch):
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(tmp_path))
    shutil.move(copy, tmp_path / "models" / "mine")
    assert [bundle.path for bundle in list_bundles()] == [SHIPPED, tmp_path / "models" / "mine"]


def test_changed_weights_change_the_id_and_are_noticed(copy):
    path = copy / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert read_bundle(copy).model_id != find_bundle().model_id
    assert find_damaged_files(read_bundle(copy)) == ["model.safetensors"]


def damage_weights(folder):
    (folder / "model.safetensors").write_bytes(b"not weights")


def damage_config(folder):
    (folder / "config.json").write_text("{")


def drop_weights(folder):
    (folder / "model.safetensors").unlink()


def drop_head(folder):
    (folder / "phq.safetensors").unlink()


def other_classes(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"classes": ["joy"] * 7}))


def an_older_head(folder):
    config = json.loads((folder / "config.json").read_text())
    config["phq"] = {"scale": "PHQ-8", "provenance": "simulated", "width": 32, "low_error": -5, "high_error": 7}
    (folder / "config.json").write_text(json.dumps(config))


def heads_that_do_not_fit_their_arrays(folder):
    config = json.loads((folder / "config.json").read_text())
    config["phq"]["heads"][0]["folds"] += 1
    (folder / "config.json").write_text(json.dumps(config))


def other_width(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dim": 7}))


@pytest.mark.parametrize(
    "damage",
    [
        damage_weights,
        damage_config,
        drop_weights,
        drop_head,
        other_classes,
        other_width,
        an_older_head,
        heads_that_do_not_fit_their_arrays,
    ],
)
def test_a_damaged_bundle_is_one_sentence(copy, damage):
    damage(copy)
    with pytest.raises(ModelError) as error:
        load_model(copy)
    assert "\n" not in str(error.value)
    assert str(copy) in str(error.value)


def test_an_unknown_model_names_those_there_are():
    with pytest.raises(ModelError, match="fer-vit-convstem"):
        load_model("other")
