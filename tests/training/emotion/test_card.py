"""The model card: the shipped one is what its figures make, and says how everything that it learnt from is had."""

from fer_phq.models.checkpoint import SHIPPED, find_bundle
from training.emotion.card import bundle_commands, render_card
from training.emotion.networks.build import RECIPE
from training.emotion.recipe import load_recipe, shipped_recipes


def test_the_shipped_card_is_that_of_the_figures_beside_it():
    bundle = find_bundle(SHIPPED)
    assert bundle.card == render_card(bundle, load_recipe(SHIPPED / RECIPE))


def test_the_shipped_recipe_is_the_packages():
    shipped, ours = load_recipe(SHIPPED / RECIPE), load_recipe(shipped_recipes()["shipped"])
    assert (shipped.name, shipped.network, shipped.stages) == (ours.name, ours.network, ours.stages)


def test_the_teachers_are_made_before_what_learns_from_them():
    recipe = load_recipe(shipped_recipes()["shipped"])
    lines = [line.split()[3] for line in bundle_commands(recipe).splitlines() if " training.emotion " in line]
    assert lines == ["teacher", "teacher_faces", "recipe.yaml"]
