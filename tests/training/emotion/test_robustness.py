"""Corruptions: what each does to pixels, that it repeats, and the table that is made of them."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from fer_phq.core.emotions import EMOTIONS
from fer_phq.models.checkpoint import SHIPPED
from fer_phq.models.preprocessing import LUMA
from training.emotion import robustness
from training.emotion.data.corpora import load_faces, parse_source
from training.emotion.robustness import CORRUPTIONS, STRENGTHS, draw_contact_sheet, make_generator, tint_grey_as_skin


def faces(n: int = 24, side: int = 48, colour: bool = False) -> np.ndarray:
    """Pictures with structure at every scale (amplitude falling with frequency), grey or colour, inside the range."""
    noise = np.random.default_rng(5).normal(size=(n, side, side, 3 if colour else 1))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side))[None, ..., None]
    waves = np.fft.ifft2(np.fft.fft2(noise, axes=(1, 2)) / (frequency + 1 / side), axes=(1, 2)).real
    scaled = 128 + 35 * (waves - waves.mean()) / waves.std()
    return np.broadcast_to(np.clip(scaled, 20, 235), (n, side, side, 3)).astype(np.uint8)


def luma(crops: np.ndarray) -> np.ndarray:
    return crops @ np.array(LUMA)


def test_every_strength_has_a_corruption_a_unit_and_a_reason():
    assert list(STRENGTHS) == list(CORRUPTIONS)
    assert all(len(scale.parameters) == 5 and scale.unit and scale.reason for scale in STRENGTHS.values())


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_damage_grows_with_the_strength(name):
    crops, changes = faces(), []
    for parameter in STRENGTHS[name].parameters:
        damaged = CORRUPTIONS[name](crops, parameter, make_generator(name, 0))
        assert damaged.dtype == np.uint8
        assert damaged.shape == crops.shape
        changes.append(np.abs(damaged.astype(float) - crops).mean())
    assert changes[0] > 0.5
    assert (np.diff(changes) > 0).all()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_seed_decides_and_the_input_stays(name):
    crops = faces()
    before, parameter = crops.copy(), STRENGTHS[name].parameters[2]
    first, again, other = (CORRUPTIONS[name](crops, parameter, make_generator(name, seed)) for seed in (0, 0, 1))
    assert (first == again).all()
    assert (crops == before).all()
    if name in ("noise", "occlusion", "tilt", "colour"):
        assert (first != other).any()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_colour_pictures_of_any_size_are_taken(name):
    crops = faces(3, 96, colour=True)
    assert CORRUPTIONS[name](crops, STRENGTHS[name].parameters[4], make_generator(name, 0)).shape == crops.shape


def test_a_cast_without_gain_leaves_luma_and_shows_skin():
    crops = np.concatenate([faces(), np.full((1, 48, 48, 3), 255, np.uint8), np.zeros((1, 48, 48, 3), np.uint8)])
    plain = CORRUPTIONS["colour"](crops, 0.0, np.random.default_rng(0))
    assert np.abs(luma(plain) - luma(crops)).max() <= 1
    red, _, blue = plain[:24].mean((0, 1, 2))
    assert red > 1.2 * blue
    coloured = faces(colour=True)
    assert (tint_grey_as_skin(coloured) == coloured).all()


def test_a_cast_parts_the_channels_and_moves_luma():
    crops = np.full((40, 48, 48, 3), 120, np.uint8)
    cast = CORRUPTIONS["colour"](crops, 0.45, np.random.default_rng(0)).astype(float)
    light = robustness.srgb_to_linear(cast.astype(np.uint8)).mean((1, 2))
    ratios = light[:, 0] / light[:, 2]
    assert ratios.max() / ratios.min() == pytest.approx((1.34 / 0.66) ** 2, rel=0.05)
    assert luma(cast)[0].std() > 0.5, "the light falls from one side"


def test_light_follows_stops_in_linear_light():
    grey = np.full((1, 8, 8, 3), 188, np.uint8)  # half of white's light
    assert CORRUPTIONS["dark"](grey, 1.0, make_generator("dark", 0))[0, 0, 0, 0] == pytest.approx(137, abs=1)
    assert CORRUPTIONS["bright"](grey, 1.0, make_generator("bright", 0))[0, 0, 0, 0] == 255


def test_noise_occlusion_and_resolution_are_as_strong_as_they_say():
    flat = np.full((20, 48, 48, 3), 128, np.uint8)
    noisy = CORRUPTIONS["noise"](flat, 0.08, make_generator("noise", 0))
    assert noisy.std() == pytest.approx(255 * 0.08, rel=0.05)
    assert (noisy[..., 0] == noisy[..., 2]).all()
    black = np.zeros((200, 48, 48, 3), np.uint8)
    covered = CORRUPTIONS["occlusion"](black, 0.15, make_generator("occlusion", 0)) > 0
    assert covered.mean() == pytest.approx(0.15, abs=0.01)
    checks = np.zeros((1, 48, 48, 3), np.uint8)
    checks[:, ::2] = 255
    assert CORRUPTIONS["low resolution"](checks, 24, make_generator("", 0)).std() < 2


def test_tilt_turns_by_its_degrees_to_both_sides():
    bar = np.zeros((30, 48, 48, 3), np.uint8)
    bar[:, 22:26, 8:40] = 255
    turned = CORRUPTIONS["tilt"](bar, 18, make_generator("tilt", 0)).astype(float)[..., 0]
    rows, columns = np.mgrid[:48, :48] - 23.5
    inside = (rows**2 + columns**2) < 20**2
    slopes = [np.polyfit(columns[inside], rows[inside], 1, w=np.sqrt(picture[inside]))[0] for picture in turned]
    assert np.degrees(np.arctan(np.abs(slopes))) == pytest.approx(18, abs=1.5)
    assert {-1.0, 1.0} == set(np.sign(slopes))


class Matcher:
    """A stand-in for a model: the class of the known picture that correlates most."""

    model_id = "matcher-1"
    bundle = SimpleNamespace(config=SimpleNamespace(classes=EMOTIONS))

    def __init__(self, known):
        self.known, self.labels = self._flat(known.crops()), known.labels

    def _flat(self, crops):
        rows = luma(crops).reshape(len(crops), -1)
        rows = rows - rows.mean(1, keepdims=True)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    def predict_emotions(self, crops):
        return np.eye(7)[self.labels[(self._flat(crops) @ self.known.T).argmax(1)]]


def test_the_table_is_of_the_models_answers(corpus, tmp_path, capsys, monkeypatch):
    dataset = f"ferplus:{corpus / 'valid.parquet'}"
    matcher = Matcher(load_faces(parse_source(dataset)))
    monkeypatch.setattr(robustness, "load_model", lambda name: matcher)
    arguments = ["matcher", dataset, "--limit", "30", "--json", "--out", str(tmp_path)]
    assert robustness.main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["clean"], found["model_id"]) == (30, 1.0, "matcher-1")
    tilted = found["rows"][list(CORRUPTIONS).index("tilt")]["accuracy"]
    assert tilted[0] > tilted[4], "stripes that are turned are other stripes"
    assert [row["corruption"] for row in found["rows"]] == list(CORRUPTIONS)
    drops = [1 - row["accuracy"][2] / found["clean"] for row in found["rows"]]
    assert [row["relative_drop"] for row in found["rows"]] == pytest.approx(drops)
    assert found["mean_relative_drop"] == pytest.approx(np.mean(drops))
    text = (tmp_path / "robustness.md").read_text()
    assert "| low resolution |" in text
    assert f"{found['mean_relative_drop']:.1%}" in text
    worst = max(found["rows"], key=lambda row: row["relative_drop"])
    assert f"the worst is {worst['corruption']} with {worst['relative_drop']:.1%}" in text


def test_limits_are_drawn_by_the_seed(corpus):
    every = load_faces(parse_source(f"ferplus:{corpus / 'train.parquet'}"))
    drawn = [robustness.sample_faces(every, 30, seed).keys.tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(robustness.sample_faces(every, 1000, 0)) == len(every)


def test_mistakes_are_told_in_one_sentence(corpus, capsys):
    dataset = f"ferplus:{corpus / 'valid.parquet'}"
    assert robustness.main([str(SHIPPED), dataset, "--limit", "0"]) == 1
    assert "--limit" in capsys.readouterr().err


def test_the_sheet_shows_the_clean_face_and_every_strength(corpus, tmp_path):
    path = tmp_path / "sheet.png"
    assert robustness.main(["unused", f"ferplus:{corpus / 'valid.parquet'}", "--sheet", str(path)]) == 0
    with Image.open(path) as picture:
        assert picture.size == (120 + 6 * (4 * 96 + 8), 20 + 9 * 100)
    sheet = np.asarray(draw_contact_sheet(faces(1), side=48))
    assert (sheet[20:68, 120:168] == faces(1)[0]).all()
