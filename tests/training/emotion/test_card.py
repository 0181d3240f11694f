"""The model card: the shipped one is what its figures make, and says how everything that it learnt from is had."""

import json

from fer_phq.models.checkpoint import SHIPPED, find_bundle
from training.emotion.card import bundle_commands, describe_calibration, render_card
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


def test_the_card_says_which_network_had_seen_the_temperatures_images():
    recipe = load_recipe(SHIPPED / RECIPE)
    said = describe_calibration(recipe, 0.6)
    assert "fitted on 3% of the training images" in said
    assert "its first eleven epochs trained on all training images, these 839 among them" in said
    note = json.loads((SHIPPED.parents[2] / "docs/runs/teacher/run.json").read_text())["note"]
    assert note.startswith("Epochs 1 to 11 were trained by a predecessor of the loop")
    assert "except that the calibration share was not set aside yet" in note
    own = recipe.stages[0].model_copy(update={"distil": None})
    alone = describe_calibration(recipe.model_copy(update={"stages": (own,)}), 0.6)
    assert alone.endswith("which this network was not trained on.")
    data = own.data.model_copy(update={"calibration": 0.0})
    without = recipe.model_copy(update={"stages": (own.model_copy(update={"data": data}),)})
    assert "sets no images aside" in describe_calibration(without, 1.0)
