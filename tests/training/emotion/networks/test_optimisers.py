import pytest
import torch

from fer_phq.models.networks.backbone import create_backbone
from fer_phq.models.networks.heads import EmotionNet
from training.emotion.networks.optimisers import build_optimiser, learning_rate_factor, set_learning_rate
from training.emotion.recipe import Optimiser, Schedule


def net():
    backbone = create_backbone("vit_tiny_patch16_224", 32, 1, depth=2, embed_dim=24, num_heads=2)
    return EmotionNet(backbone, 24)


def test_one_cosine_after_a_warm_up():
    schedule = Schedule(warmup_epochs=2, final=0.1)
    factors = [learning_rate_factor(schedule, step, 10, 100) for step in range(101)]
    assert factors[0] == pytest.approx(1 / 21)
    assert factors[20] == 1
    assert factors[60] == pytest.approx(0.55)
    assert factors[99] == pytest.approx(0.1, abs=0.001)
    assert factors[:21] == sorted(factors[:21])
    assert factors[20:100] == sorted(factors[20:100], reverse=True)


def test_restarts_and_a_warm_up_in_steps():
    factors = [learning_rate_factor(Schedule(warmup_steps=10, cycles=2, final=0), step, 5, 110) for step in range(110)]
    assert factors[10] == factors[60] == 1
    assert factors[59] < 0.01
    assert factors[35] == pytest.approx(0.5)


def test_a_warm_up_longer_than_the_training_leaves_a_rate():
    assert 0 < learning_rate_factor(Schedule(warmup_steps=1000), 2, 1, 3) <= 1


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_biases_norms_and_positions_are_not_decayed(name):
    model = net()
    optimiser = build_optimiser(model, Optimiser(name=name, learning_rate=0.1, weight_decay=0.3))
    free = {id(p) for group in optimiser.param_groups if group["weight_decay"] == 0 for p in group["params"]}
    everything = {id(p) for group in optimiser.param_groups for p in group["params"]}
    assert everything == {id(p) for p in model.parameters()}
    for key, parameter in model.named_parameters():
        expected = parameter.ndim < 2 or "pos_embed" in key or "cls_token" in key
        assert (id(parameter) in free) == expected, key


def test_layers_below_learn_more_slowly():
    model = net()
    optimiser = build_optimiser(model, Optimiser(learning_rate=0.1, layer_decay=0.5))
    set_learning_rate(optimiser, 0.1)
    rates = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    by_name = {key: rates[id(p)] for key, p in model.named_parameters()}
    assert by_name["head.weight"] == pytest.approx(0.1)
    assert by_name["backbone.blocks.0.attn.qkv.weight"] == pytest.approx(
        by_name["backbone.blocks.1.attn.qkv.weight"] / 2
    )
    assert by_name["backbone.patch_embed.proj.weight"] < by_name["backbone.blocks.0.attn.qkv.weight"]
    assert isinstance(optimiser, torch.optim.AdamW)
