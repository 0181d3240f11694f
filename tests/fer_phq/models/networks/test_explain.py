"""What a face's emotion depends on: the map's form, its mirror, its faithfulness, and that it leaves no trace."""

import base64
import dataclasses
import io
import json
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch import nn

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import ModelError
from fer_phq.faces import FaceDetector, align_crop
from fer_phq.models.model import assemble
from fer_phq.models.networks.backbone import create_backbone
from fer_phq.models.networks.explain import COLOURS, Relevance, relevance_map
from fer_phq.models.networks.heads import EmotionNet
from fer_phq.models.networks.loading import FaceNetwork, load_network


@pytest.fixture(scope="module")
def network():
    return load_network()


@pytest.fixture(scope="module")
def model(network):
    return assemble(network.bundle, network)


@pytest.fixture(scope="module")
def face():
    """The smiling portrait of the demonstration, cut out as the pipeline does."""
    with files("training.simulation.puppet").joinpath("portrait.jpg").open("rb") as file:
        picture = np.asarray(PillowImage.open(file).convert("RGB"))
    return align_crop(picture, FaceDetector().detect([picture])[0][0].landmarks)


def with_backbone(network: FaceNetwork, backbone: nn.Module, dim: int, **config: object) -> FaceNetwork:
    """A network of random weights around another backbone, with the shipped bundle's other settings."""
    torch.manual_seed(0)
    bundle = dataclasses.replace(network.bundle, config=dataclasses.replace(network.bundle.config, dim=dim, **config))
    return FaceNetwork(bundle, EmotionNet(backbone, dim).eval())


def covered(crop: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The crop with its mean where a mask says so."""
    out = crop.copy()
    out[where] = crop.reshape(-1, 3).mean(0).round()
    return out


def test_a_map_has_a_value_between_0_and_1_for_each_token(network, face):
    found = relevance_map(network, face)
    assert (found.heatmap.shape, found.heatmap.dtype) == ((6, 6), np.float32)
    assert found.heatmap.min() >= 0
    assert found.heatmap.max() == 1
    large = found.enlarge(31, 50)
    assert (large.shape, large.dtype) == ((31, 50), np.float32)
    assert 0 <= large.min() <= large.max() <= 1


def test_the_most_probable_emotion_is_explained_unless_another_is_named(network, model, face):
    probabilities = model.predict_emotions([face])[0]
    for emotion in (None, "happiness", "sadness"):
        found = relevance_map(network, face, emotion)
        assert found.emotion == (emotion or EMOTIONS[probabilities.argmax()])
        assert found.probability == pytest.approx(probabilities[EMOTIONS.index(found.emotion)], abs=1e-5)
    assert not np.allclose(
        relevance_map(network, face, "happiness").heatmap, relevance_map(network, face, "sadness").heatmap, atol=0.1
    )


def test_the_map_of_the_mirrored_face_is_the_mirrored_map(network, face):
    here, there = relevance_map(network, face), relevance_map(network, face[:, ::-1])
    np.testing.assert_allclose(there.heatmap[:, ::-1], here.heatmap, atol=1e-3)
    assert not np.allclose(here.heatmap[:, ::-1], here.heatmap, atol=0.01)


def test_covering_what_matters_most_lowers_the_probability_more(network, model, face):
    found = relevance_map(network, face, "happiness")
    ranks = found.enlarge(*face.shape[:2])
    ranks = ranks + 1e-6 * np.random.default_rng(0).random(ranks.shape)  # zeros in random order
    low, high = np.quantile(ranks, [0.2, 0.8])
    views = [face, covered(face, ranks > high), covered(face, ranks < low)]
    whole, without_most, without_least = model.predict_emotions(views)[:, EMOTIONS.index("happiness")]
    assert whole - without_most > 0.3
    assert whole - without_most > 3 * abs(whole - without_least)


def test_the_mouth_makes_the_smile(network, face):
    heat = relevance_map(network, face, "happiness").enlarge(*face.shape[:2])
    height = len(face)
    assert heat[height * 2 // 3 :].mean() > 2 * heat[: height // 3].mean()


def test_the_model_is_left_as_it_was(network, model, face):
    before = model.predict_emotions([face])
    with torch.inference_mode():
        relevance_map(network, face)
    np.testing.assert_array_equal(model.predict_emotions([face]), before)
    assert all(parameter.grad is None for parameter in network.net.parameters())
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in network.net.modules())


def test_frozen_weights_can_be_explained(face):
    network = load_network()
    network.net.requires_grad_(False)
    assert relevance_map(network, face).heatmap.max() == 1


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("vit_tiny_patch16_224", {"depth": 2}),
        ("vit_tiny_patch16_224", {"depth": 1, "reg_tokens": 3}),
        ("vit_tiny_patch16_224", {"depth": 2, "class_token": False, "global_pool": "avg"}),
    ],
)
def test_any_vision_transformer_of_timm_can_be_explained(network, face, name, settings):
    torch.manual_seed(0)
    backbone = create_backbone(name, 64, 3, **settings)
    other = with_backbone(network, backbone, 192, image_size=64, in_chans=3)
    if backbone.cls_token is not None:
        nn.init.normal_(backbone.cls_token, std=0.1)  # timm's fresh one is so small that its norm is rounding error
    found = relevance_map(other, face, "fear")
    assert found.heatmap.shape == (4, 4)
    assert found.heatmap.max() == 1
    mirrored = relevance_map(other, face[:, ::-1], "fear")
    np.testing.assert_allclose(mirrored.heatmap[:, ::-1], found.heatmap, atol=1e-3)


def test_a_backbone_without_tokens_is_refused_in_a_sentence(network, face):
    convolutions = nn.Sequential(nn.Conv2d(1, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ModelError, match="not a Vision Transformer") as error:
        relevance_map(with_backbone(network, convolutions, 8), face)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("crop", [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8)])
def test_a_bad_crop_is_refused_in_a_sentence(network, crop):
    with pytest.raises(ValueError, match="uint8 RGB"):
        relevance_map(network, crop)


def test_an_unknown_emotion_is_refused_in_a_sentence(network, face):
    with pytest.raises(ValueError, match="no emotion 'boredom'; choose one of anger"):
        relevance_map(network, face, "boredom")


def test_the_overlay_has_the_crops_size_and_grows_lighter_with_relevance():
    steps = Relevance("fear", 0.5, np.linspace(0, 1, 8, dtype=np.float32)[None])
    grey = np.full((20, 160, 3), 128, np.uint8)
    picture = steps.overlay(grey)
    assert (picture.shape, picture.dtype) == (grey.shape, np.uint8)
    lightness = picture[0] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) >= -1).all()
    assert lightness[-1] - lightness[0] > 80


@pytest.mark.slow
def test_the_command_reads_a_picture_and_writes_json(face):
    document = json.loads(command(png(face), "--emotion", "happiness").stdout)
    expected = relevance_map(load_network(), face, "happiness")
    assert (document["emotion"], tuple(document["colours"])) == ("happiness", COLOURS)
    assert document["probability"] == pytest.approx(expected.probability, abs=1e-4)
    np.testing.assert_allclose(document["heatmap"], expected.heatmap, atol=1e-3)
    picture = PillowImage.open(io.BytesIO(base64.b64decode(document["picture"])))
    assert picture.size == (256, 256)


@pytest.mark.slow
def test_the_command_says_in_a_sentence_what_is_wrong(face):
    for given, arguments, said in ((b"no picture", (), "holds no picture"), (png(face), ("--model", "x"), "No model")):
        done = command(given, *arguments)
        assert (done.returncode, done.stdout) == (2, b"")
        assert said in done.stderr.decode()
        assert done.stderr.count(b"\n") == 1


def png(crop: np.ndarray) -> bytes:
    packed = io.BytesIO()
    PillowImage.fromarray(crop).save(packed, "PNG")
    return packed.getvalue()


def command(given: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "fer_phq.explain", *arguments], input=given, capture_output=True, check=False
    )
