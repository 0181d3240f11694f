from pathlib import Path

import pytest

from fer_phq.errors import SettingsError
from training.recipe import load_recipe

RECIPES = sorted((Path(__file__).parents[2] / "training" / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_loads(path):
    recipe = load_recipe(path)
    assert recipe.epochs == sum(phase.epochs for phase in recipe.phases)
    assert recipe.size_of(0) == recipe.phases[0].image_size
    assert recipe.size_of(recipe.epochs - 1) == recipe.image_size


def test_overrides_replace_fields():
    recipe = load_recipe(RECIPES[0], ("batch_size=8", "phases=[{epochs: 1, image_size: 32}]", "warmup_epochs=0.5"))
    assert (recipe.batch_size, recipe.epochs, recipe.image_size) == (8, 1, 32)


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("batch_sise=8", "batch_sise"),
        ("batch_size=0", "batch_size"),
        ("warmup_epochs=99", "warm-up"),
        ("x", "key=value"),
    ],
)
def test_a_wrong_field_is_named(override, named):
    with pytest.raises(SettingsError, match=named):
        load_recipe(RECIPES[0], (override,))


def test_a_missing_recipe_is_one_sentence(tmp_path):
    with pytest.raises(SettingsError, match="No recipe"):
        load_recipe(tmp_path / "none.yaml")
