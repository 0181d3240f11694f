"""What a bundle from anybody may say: nothing that fetches, opens or allocates without bound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fer_phq import load_model
from fer_phq.core.errors import ModelError
from fer_phq.models.checkpoint import CONFIG, SHIPPED, WEIGHTS, read_bundle


def bundle_with(tmp_path: Path, **fields: Any) -> Path:
    """The shipped bundle without `model.onnx`, with other words in its configuration."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in WEIGHTS:
        (folder / name).symlink_to(SHIPPED / name)
    (folder / CONFIG).write_bytes((SHIPPED / CONFIG).read_bytes())
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    (folder / CONFIG).write_text(json.dumps(config | {"quantization": None} | fields), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "option",
    [
        {"pretrained": True},
        {"checkpoint_path": "/tmp/evil.pth"},
        {"pretrained_cfg": {"url": "https://a.example/x"}},
        {"pretrained_cfg_overlay": {"file": "x"}},
        {"cache_dir": "/tmp"},
        {"norm_layer": "torch.load"},
        {"img_size": 100_000},
        {"scriptable": True},
        {"": 1},
        {"x" * 10_000: 1},
    ],
)
def test_an_option_that_is_not_on_the_list_is_refused(tmp_path: Path, option: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="is not allowed; these are: attn_drop_rate, ") as caught:
        read_bundle(bundle_with(tmp_path, options=option))
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "option",
    [
        {"depth": 10**6}, {"depth": -1}, {"depth": 4.0}, {"depth": True}, {"embed_dim": 0}, {"patch_size": 10**9},
        {"drop_rate": float("nan")}, {"drop_rate": 1.0}, {"drop_rate": "0"}, {"mlp_ratio": 1e9}, {"class_token": 1},
        {"global_pool": "../x"}, {"num_heads": None}, {"reg_tokens": []},
    ],
)  # fmt: skip
def test_an_option_out_of_its_range_is_refused(tmp_path: Path, option: dict[str, Any]) -> None:
    with pytest.raises(
        ModelError, match=rf"config\.json cannot be used: options\.{next(iter(option))} is .+ and must be"
    ):
        load_model(bundle_with(tmp_path, options=option))


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0}, {"temperature": -1.0}, {"temperature": float("inf")}, {"std": 0}, {"mean": float("nan")},
        {"image_size": -48}, {"image_size": 10**7}, {"image_size": "48"}, {"in_chans": 2}, {"in_chans": True},
        {"dim": 0}, {"dim": 10**9}, {"name": "../../etc"}, {"name": "a\n"}, {"name": ""}, {"name": 1},
        {"backbone": "vit_tiny.a.b"}, {"backbone": "hf-hub:timm/x"}, {"backbone": "local-dir:/x"},
        {"backbone": ["vit"]}, {"options": []}, {"options": "pretrained"},
    ],
)  # fmt: skip
def test_a_field_out_of_its_range_is_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=rf"config\.json cannot be used: {next(iter(fields))} is .+ and must be"):
        read_bundle(bundle_with(tmp_path, **fields))


@pytest.mark.parametrize("document", ["[]", "null", "1", '"x"', "{}", "{", '{"name": "a"}'])
def test_a_configuration_that_is_none_is_one_sentence(tmp_path: Path, document: str) -> None:
    folder = bundle_with(tmp_path)
    (folder / CONFIG).write_text(document, encoding="utf-8")
    with pytest.raises(ModelError):
        read_bundle(folder)


@pytest.mark.parametrize("file", WEIGHTS)
def test_weights_that_are_not_those_of_the_configuration_are_not_loaded(tmp_path: Path, file: str) -> None:
    folder = bundle_with(tmp_path)
    weights = bytearray((folder / file).read_bytes())
    weights[-1] ^= 1
    (folder / file).unlink()
    (folder / file).write_bytes(weights)
    with pytest.raises(ModelError, match="its SHA-256 differs"):
        load_model(folder)
