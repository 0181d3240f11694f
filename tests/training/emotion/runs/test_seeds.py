"""Seeds stand beside complete runs of their recipes only."""

from pathlib import Path

from training.emotion.runs.records import RecipeSummary, RunRecord
from training.emotion.runs.seeds import COLUMNS, SEEDS, seed_rows

SHEET = "valid: 400 images: anger 100, fear 100, neutral 200"
CNN = "fer2013_simple_cnn"
RECIPES = [RecipeSummary(CNN, f"{CNN}.yaml", (("fer2013", Path("ferplus")),), 2)]


def run(name: str, accuracies: list[float], started: str = "2026-11-22") -> RunRecord:
    rows = tuple({"valid_accuracy": accuracy} for accuracy in accuracies)
    facts = {"recipe_name": CNN, "data": [SHEET], "started_at": started, "command": f"python -m training.emotion {CNN}"}
    return RunRecord(Path(name), RECIPES[0], rows, facts)


def cells(runs: list[RunRecord]) -> dict[str, str]:
    (row,) = seed_rows(RECIPES, runs)
    return {f"{index} {column}": cell for index, (column, cell) in enumerate(zip(COLUMNS, row, strict=True))}


def test_a_complete_run_stands_beside_its_seed():
    row = cells([run("whole", [0.68, 0.64])])
    assert list(row.values()) == [
        *("A simple CNN", "47 %", "FER2013, 7 classes"),
        *("64.0 ± 4.7 %", "68.0 %", "fer2013, 400 images of valid", f"`python -m training.emotion {CNN}`"),
    ]


def test_a_cut_run_has_no_figure():
    row = cells([run("cut", [0.9])])
    assert row["3 Ours, last epoch"] == "cut after 1 of 2 epochs, not compared"
    assert "90" not in "".join(row.values())


def test_a_complete_run_goes_before_a_newer_one_that_was_cut():
    runs = [run("whole", [0.5, 0.6]), run("cut", [0.9], "2026-11-29"), run("older", [0.5, 0.5], "2026-11-01")]
    assert cells(runs)["3 Ours, last epoch"].startswith("60.0 ")


def test_a_recipe_without_a_run_says_so():
    assert cells([])["3 Ours, last epoch"] == "not run"


def test_every_seed_has_its_recipe():
    recipes = Path(__file__).parents[4] / "training" / "recipes"
    for seed in SEEDS:
        assert (recipes / f"{seed.recipe}.yaml").is_file()
