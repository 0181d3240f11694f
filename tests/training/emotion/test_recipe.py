import pytest
import yaml

from fer_phq.core.errors import SettingsError
from training.emotion.recipe import find_recipe, load_recipe, resolve_stages, save_recipe, shipped_recipes

RECIPES = shipped_recipes()


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_that_comes_with_the_package_loads_and_fits_on_a_screen(name):
    recipe = load_recipe(RECIPES[name])
    assert len(RECIPES[name].read_text().splitlines()) <= 40
    for stage in recipe.stages:
        assert stage.epochs == sum(phase.epochs for phase in stage.phases)
        assert stage.image_size_at(0) == stage.phases[0].image_size
        assert stage.image_size_at(stage.epochs - 1) == stage.image_size


def test_a_resolved_recipe_says_the_same(tmp_path):
    recipe = load_recipe(RECIPES["iterative_nine_class"])
    save_recipe(recipe, tmp_path / "recipe.yaml")
    assert load_recipe(tmp_path / "recipe.yaml") == recipe


def test_stages_share_what_stands_at_the_top_and_override_it():
    fields = resolve_stages({"name": "x", "batch_size": 4, "clip": 2, "stages": [{}, {"batch_size": 8}]})
    assert fields == {"name": "x", "stages": [{"batch_size": 4, "clip": 2}, {"batch_size": 8, "clip": 2}]}


def test_overrides_replace_fields():
    given = ("batch_size=8", "phases=[{epochs: 1, image_size: 32}]", "optimiser.learning_rate=1e-2", "schedule={}")
    stage = load_recipe(RECIPES["teacher"], given).stages[0]
    assert (stage.batch_size, stage.epochs, stage.image_size, stage.optimiser.learning_rate) == (8, 1, 32, 0.01)
    assert stage.schedule.warmup_epochs == 0
    two = load_recipe(RECIPES["iterative_nine_class"], ("stages.1.batch_size=2", "data={}"))
    assert [stage.batch_size for stage in two.stages] == [16, 2]


@pytest.mark.parametrize("value", ["no", "No", "NO", "false", "'no'", "'No'"])
def test_no_precision_is_written_as_any_no_of_yaml(value, tmp_path):
    """A bare `no` is false to YAML: on the command line, in a file, and in the recipe that a run writes."""
    recipe = load_recipe(RECIPES["teacher"], (f"precision={value}",))
    assert recipe.precision == "no"
    path = tmp_path / "recipe.yaml"
    path.write_text(f"{RECIPES['teacher'].read_text()}\nprecision: {value}\n")
    assert load_recipe(path) == recipe
    save_recipe(recipe, path)
    assert load_recipe(path) == recipe


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("batch_sise=8", "batch_sise"),
        ("batch_size=0", "batch_size"),
        ("schedule.warmup_epochs=99", "warm-up"),
        ("optimiser.name=lion", "optimiser"),
        ("precision=yes", "precision"),
        ("precision=0", "precision"),
        ("precision=half", "precision"),
        ("x", "key=value"),
        ("batch_size.x=1", "cannot|not a field"),
        ("stages.7.batch_size=2", "not a field"),
        ("batch_size=[", "not a field"),
    ],
)
def test_a_wrong_field_is_named(override, named):
    with pytest.raises(SettingsError, match=named):
        load_recipe(RECIPES["iterative_nine_class" if "stages" in override else "teacher"], (override,))


@pytest.mark.parametrize(
    ("override", "code"),
    [
        ("batch_sise=8", "field.unknown"),
        ("batch_size=0", "field.at_least"),
        ("optimiser.name=lion", "field.choice"),
        ("schedule.warmup_epochs=99", "emotion_training.long_warmup"),
    ],
)
def test_what_is_wrong_with_a_field_is_a_message(override, code):
    with pytest.raises(SettingsError) as refused:
        load_recipe(RECIPES["teacher"], (override,))
    assert refused.value.message.params["reason"].code == code


def test_what_is_no_recipe_is_one_sentence(tmp_path):
    with pytest.raises(SettingsError, match="No recipe"):
        load_recipe(tmp_path / "none.yaml")
    with pytest.raises(SettingsError, match=r"one of.*shipped.*teacher"):
        find_recipe("none")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(SettingsError, match="mapping"):
        load_recipe(tmp_path / "list.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    with pytest.raises(SettingsError, match="not YAML"):
        load_recipe(tmp_path / "broken.yaml")
    (tmp_path / "empty.yaml").write_text(yaml.safe_dump({"name": "x"}))
    with pytest.raises(SettingsError, match="network"):
        load_recipe(tmp_path / "empty.yaml")
