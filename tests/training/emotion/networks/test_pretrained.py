"""Published checkpoints give the same numbers in our backbones; what does not fit is said, and nothing is guessed."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import ModelError
from fer_phq.models.checkpoint import SHIPPED, find_bundle
from fer_phq.models.networks.backbone import create_backbone
from fer_phq.models.networks.loading import load_network
from training.emotion.networks.build import adopt_input
from training.emotion.networks.pretrained import Pretrained, load_hub_weights, load_into, read_weights, resize_head
from training.emotion.recipe import Network, load_recipe, shipped_recipes

DINO = Path(__file__).parents[5] / "shared" / "models" / "vit_small_patch14_dinov2.fp16.safetensors"
LABELS = ("sad", "disgust", "angry", "neutral", "fear", "surprise", "happy")
"""A published FER model's own words and order."""
SHAPE = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 32, "patch_size": 8}


@pytest.fixture(scope="module")
def transformers():
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    return pytest.importorskip("transformers")


def saved(transformers, kind: str, folder: Path, **changes):
    """A small random classifier of transformers in evaluation mode, saved as it is published."""
    torch.manual_seed(0)
    names = dict(enumerate(LABELS))
    fields = SHAPE | {"id2label": names, "label2id": {name: i for i, name in names.items()}} | changes
    if kind != "Dinov2":
        fields |= {"intermediate_size": 128}
    model = getattr(transformers, f"{kind}ForImageClassification")(getattr(transformers, f"{kind}Config")(**fields))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))  # biases and gains that are neither 0 nor 1
    model.eval().save_pretrained(folder)
    return model


@pytest.fixture(scope="module")
def published(transformers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("vit")
    return folder, saved(transformers, "ViT", folder)


def vit(**changes) -> VisionTransformer:
    fields = {"img_size": 32, "patch_size": 8, "embed_dim": 64, "depth": 3, "num_heads": 4, "mlp_ratio": 2}
    return VisionTransformer(**(fields | {"num_classes": 0} | changes)).eval()


def images(size: int = 32, channels: int = 3) -> torch.Tensor:
    return torch.randn(4, channels, size, size, generator=torch.Generator().manual_seed(1))


ORDER = [LABELS.index(name) for name in ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")]


def test_a_published_fer_model_gives_the_same_logits(published):
    folder, model = published
    backbone, head = vit(), nn.Linear(64, 7)
    report = load_into(backbone, head, EMOTIONS, read_weights(folder), exact_norms=True)
    with torch.no_grad():
        ours, theirs = head(backbone(images())), model(images()).logits[:, ORDER]
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    assert (report.missing, report.unexpected, report.resampled, report.new_classes) == ((), (), (), ())
    assert report.copied_classes == EMOTIONS


def test_as_any_image_classifier_that_transformers_opens(transformers, published):
    folder, _ = published
    model = transformers.AutoModelForImageClassification.from_pretrained(folder).eval()
    backbone, head = vit(), nn.Linear(64, 7)
    load_into(backbone, head, EMOTIONS, read_weights(folder), exact_norms=True)
    with torch.no_grad():
        torch.testing.assert_close(head(backbone(images())), model(images()).logits[:, ORDER], atol=1e-5, rtol=0)


def test_the_epsilon_of_the_norms_stays_ours_unless_asked(transformers, tmp_path):
    model = saved(transformers, "ViT", tmp_path, layer_norm_eps=1e-6)
    backbone, head = vit(), nn.Linear(64, 7)
    load_into(backbone, head, EMOTIONS, read_weights(tmp_path))
    assert backbone.norm.eps == 1e-6
    with torch.no_grad():
        torch.testing.assert_close(head(backbone(images())), model(images()).logits[:, ORDER], atol=1e-5, rtol=0)


def test_dinov2_gives_the_same_features_and_its_wider_head_stays_out(transformers, tmp_path):
    model = saved(transformers, "Dinov2", tmp_path, mlp_ratio=2)
    backbone, head = vit(init_values=1.0), nn.Linear(64, 7)
    report = load_into(backbone, head, EMOTIONS, read_weights(tmp_path), exact_norms=True)
    with torch.no_grad():
        theirs = model.dinov2(images()).last_hidden_state
        torch.testing.assert_close(backbone.forward_features(images()), theirs, atol=1e-5, rtol=0)
    assert (report.missing, report.copied_classes, report.new_classes) == ((), (), EMOTIONS)
    assert report.unexpected == ("head.bias", "head.weight")


def test_deit_gives_the_same_features_in_timms_distilled_vit(transformers, tmp_path):
    from timm.models.deit import VisionTransformerDistilled

    model = saved(transformers, "DeiT", tmp_path)
    backbone = VisionTransformerDistilled(
        img_size=32, patch_size=8, embed_dim=64, depth=3, num_heads=4, mlp_ratio=2, num_classes=0
    ).eval()
    report = load_into(backbone, None, (), read_weights(tmp_path), exact_norms=True)
    with torch.no_grad():
        theirs = model.deit(images()).last_hidden_state
        torch.testing.assert_close(backbone.forward_features(images()), theirs, atol=1e-5, rtol=0)
    assert report.missing == report.unexpected == ()


def test_several_files_and_the_names_of_transformers_5_read_alike(published, tmp_path):
    folder, _ = published
    one = read_weights(folder)
    state = load_file(folder / "model.safetensors")
    state = {
        name.replace("encoder.layer.", "layers.")
        .replace("attention.attention.query", "attention.q_proj")
        .replace("attention.output.dense", "attention.o_proj"): value
        for name, value in state.items()
    }
    names, half = sorted(state), len(state) // 2
    parts = {"a.safetensors": names[:half], "b.safetensors": names[half:]}
    for file, chosen in parts.items():
        save_file({name: state[name] for name in chosen}, tmp_path / file)
    index = {"weight_map": {name: file for file, chosen in parts.items() for name in chosen}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    several = read_weights(tmp_path)
    assert several.classes == one.classes
    torch.testing.assert_close(several.state, one.state)


def test_another_image_size_resamples_the_position_embedding(published):
    folder, _ = published
    small, large = vit(dynamic_img_size=True), vit(img_size=48)
    load_into(small, None, (), read_weights(folder))
    report = load_into(large, None, (), read_weights(folder))
    assert report.resampled == ("pos_embed",)
    with torch.no_grad():
        torch.testing.assert_close(large(images(48)), small(images(48)), atol=1e-5, rtol=0)


def test_grey_images_and_other_patches_are_fitted(published):
    folder, _ = published
    colour, grey, fine = vit(), vit(in_chans=1), vit(patch_size=4)
    load_into(colour, None, (), read_weights(folder))
    assert load_into(grey, None, (), read_weights(folder)).resampled == ("patch_embed.proj.weight",)
    with torch.no_grad():
        one = images(channels=1)
        torch.testing.assert_close(grey(one), colour(one.repeat(1, 3, 1, 1)), atol=1e-4, rtol=0)
    assert load_into(fine, None, (), read_weights(folder)).resampled == ("patch_embed.proj.weight", "pos_embed")


def test_mean_pooling_without_a_class_token_takes_the_grid_and_the_norm(published):
    folder, _ = published
    backbone = vit(class_token=False, global_pool="avg")
    source = read_weights(folder)
    report = load_into(backbone, None, (), source)
    assert (report.missing, report.unexpected) == ((), ("cls_token",))
    torch.testing.assert_close(backbone.pos_embed.data, source.state["pos_embed"][:, 1:])
    torch.testing.assert_close(backbone.fc_norm.weight.data, source.state["norm.weight"])


def test_a_head_of_more_classes_keeps_the_rows_it_knows():
    old, new = EMOTIONS, ("contempt", *EMOTIONS[::-1], "doubt")
    weight, bias = torch.randn(7, 5), torch.randn(7)
    head = resize_head(weight, bias, old, new)
    assert head.weight.shape == (9, 5)
    assert torch.equal(head.weight[1:8], weight.flip(0))
    assert torch.equal(head.bias[1:8], bias.flip(0))
    assert head.weight.abs()[[0, 8]].max() <= 5**-0.5, "new rows start as any layer's"


def test_a_checkpoint_bundle_is_a_start():
    bundle, network = find_bundle(SHIPPED), load_network(SHIPPED)
    backbone, head = create_backbone(bundle.config.backbone, 48, 1).eval(), nn.Linear(192, 9)
    classes = (*EMOTIONS, "contempt", "doubt")
    report = load_into(backbone, head, classes, read_weights(SHIPPED))
    assert (report.missing, report.unexpected, report.resampled) == ((), (), ())
    assert (report.copied_classes, report.new_classes) == (EMOTIONS, ("contempt", "doubt"))
    grey = images(48, channels=1)
    with torch.no_grad():
        torch.testing.assert_close(head(backbone(grey))[:, :7], network.net(grey), atol=1e-4, rtol=1e-4)
    assert "fresh: contempt, doubt" in str(report)


def test_a_residual_network_becomes_the_stem_of_a_transformer():
    network, hybrid = create_backbone("resnet_face_small", 48, 1), create_backbone("vit_resstem_small", 48, 1)
    source = Pretrained({name: torch.full_like(v, 2) for name, v in network.state_dict().items()}, None, "a network")
    report = load_into(hybrid, None, (), source)
    assert report.unexpected == ()
    assert len(report.loaded) == len(source.state)
    assert all((value == 2).all() for value in hybrid.patch_embed.backbone.state_dict().values())


@pytest.mark.corpora
@pytest.mark.skipif(not DINO.is_file(), reason="needs ../shared/models")
def test_the_dinov2_file_loads_at_84_pixels():
    backbone = create_backbone("vit_small_patch14_dinov2", 84, 3)
    report = load_into(backbone, None, (), read_weights(DINO))
    assert (report.missing, report.unexpected) == ((), ())
    assert report.resampled == ("pos_embed",)
    assert len(report.loaded) == 174
    assert torch.isfinite(backbone.eval()(images(84))).all()


def one_sentence(path: Path) -> str:
    with pytest.raises(ModelError) as error:
        read_weights(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    return str(error.value)


def test_bad_files_are_one_sentence(published, tmp_path):
    assert "No weights" in one_sentence(tmp_path / "none.safetensors")
    (tmp_path / "old.bin").write_bytes(b"\x80\x02")
    assert "pickles" in one_sentence(tmp_path / "old.bin")
    (tmp_path / "bad.safetensors").write_bytes(b"not weights")
    assert "cannot be read" in one_sentence(tmp_path / "bad.safetensors")
    assert "no config.json" in one_sentence(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    assert ".bin file, a pickle" in one_sentence(tmp_path)
    (tmp_path / "old.bin").unlink()
    assert "has no model.safetensors" in one_sentence(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"x": "../elsewhere.safetensors"}}')
    assert "outside its folder" in one_sentence(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "swin"}')
    assert "'swin'" in one_sentence(tmp_path)
    (tmp_path / "config.json").write_text("[")
    assert "config.json" in one_sentence(tmp_path)
    assert "name its folder" in one_sentence(published[0] / "model.safetensors")


def test_what_does_not_fit_at_all_is_refused(published):
    source = read_weights(published[0])
    with pytest.raises(ModelError, match="num_heads=4"):
        load_into(vit(num_heads=8), None, (), source)
    with pytest.raises(ModelError, match="Nothing of"):
        load_into(create_backbone("resnet10t", 48, 3), None, (), source)
    wrong = replace(source, classes=EMOTIONS[:3])
    with pytest.raises(ModelError, match="names 3 classes"):
        load_into(vit(), nn.Linear(64, 7), EMOTIONS, wrong)


def test_hub_weights_without_a_network_are_one_sentence(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("Connection refused\nand much more")

    monkeypatch.setattr("timm.create_model", offline)
    with pytest.raises(ModelError, match=r"could not be fetched \(Connection refused\)"):
        load_hub_weights("vit_tiny_patch16_224")
    with pytest.raises(ModelError, match="publishes no weights of 'vit_resstem_small'"):
        load_hub_weights("vit_resstem_small")


PREPARED = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "size": {"height": 64}}


def recipe_from(folder, **network):
    recipe = load_recipe(shipped_recipes()["fer2013_vit"])
    fields = recipe.network.model_dump(exclude={"mean", "std"}) | {"init_from": str(folder)} | network
    return recipe.model_copy(update={"network": Network.model_validate(fields)})


def prepared(folder, **changes):
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPARED | changes))
    return folder


@pytest.mark.parametrize(
    ("changes", "mean", "std"),
    [
        ({}, 0.449, 0.226),
        ({"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "size": 224}, 0.5, 0.5),
        ({"do_rescale": False, "image_mean": [127.5], "image_std": [127.5]}, 0.5, 0.5),
        ({"do_normalize": False}, 0.0, 1.0),
    ],
)
def test_images_are_prepared_as_for_the_published_weights(tmp_path, changes, mean, std):
    recipe, notes = adopt_input(recipe_from(prepared(tmp_path, **changes)))
    assert (recipe.network.mean, recipe.network.std) == (pytest.approx(mean, abs=1e-3), pytest.approx(std, abs=1e-3))
    assert any("the recipe names none, so these are used" in str(note) for note in notes)


def test_a_recipe_of_its_own_mind_is_told_what_differs(tmp_path):
    recipe, notes = adopt_input(recipe_from(prepared(tmp_path), mean=0.5, std=0.25))
    assert (recipe.network.mean, recipe.network.std) == (0.5, 0.25)
    assert "the recipe's 0.5 and 0.25 are used" in str(notes[0])
    assert f"of 64 px, the recipe has {recipe.image_size} px" in str(notes[1])
    assert adopt_input(recipe_from(tmp_path / "none"))[1] == []


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"image_mean": [0.5], "image_std": [0]}', '{"image_mean": 1, "image_std": 1}']
)
def test_a_damaged_preprocessor_is_one_sentence(tmp_path, text):
    (tmp_path / "preprocessor_config.json").write_text(text)
    with pytest.raises(ModelError, match=r"preprocessor_config\.json"):
        adopt_input(recipe_from(tmp_path))
