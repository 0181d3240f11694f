"""The commands of `training.emotion`. `fer-phq train emotion` and `fer-phq evaluate emotion` are two of them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from training.cli import command, print_progress

Checkpoint = Annotated[str, typer.Argument(help="Name or folder of a checkpoint bundle, or folder of a run.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


@command
def train(
    recipe: Annotated[str, typer.Argument(help="A YAML file, or the name of a recipe that comes with the package.")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key=value, replacing a field of the recipe.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for log, state and weights (default: runs/NAME).")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the state in the folder.")] = False,
) -> None:
    """Train an emotion model by a recipe. Ctrl-C leaves a run that `--resume` goes on with.

    Example: `fer-phq train emotion teacher root=data --out runs/teacher`
    """
    from training.emotion.recipe import find_recipe, load_recipe
    from training.emotion.runs.state import Interrupted
    from training.emotion.train import train as train_recipe

    arguments = [recipe, *(overrides or []), *(["--out", str(out)] if out else []), *(["--resume"] if resume else [])]
    try:
        loaded = load_recipe(find_recipe(recipe), tuple(overrides or ()))
        folder = out or Path("runs") / loaded.name
        train_recipe(loaded, folder, resume, command=f"python -m training.emotion {shlex.join(arguments)}")
    except (Interrupted, KeyboardInterrupt):
        print("Stopped; go on with --resume.", file=sys.stderr)
        raise typer.Exit(130) from None


@command
def evaluate(
    checkpoint: Checkpoint,
    datasets: Annotated[
        list[str], typer.Argument(metavar="DATASET", help="CORPUS:PATH[#SPLIT], several are also pooled.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for evaluation.json, evaluation.md and the diagrams.")
    ] = None,
    json: Json = False,
    majority: Annotated[
        bool, typer.Option("--majority", help="Leave out images whose label has half of the votes or fewer.")
    ] = False,
    additions: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="RUN", help="Judge the mean with this run or bundle too (may be repeated)."),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Images at a time (default: the most that the model takes).")
    ] = None,
) -> None:
    """Measure accuracy, macro-F1, UAR, calibration and confusion of a checkpoint on labelled faces, with intervals.

    Example: `fer-phq evaluate emotion fer-vit-convstem ferplus:data/ferplus#valid --out report` (the word may be left
    out)
    """
    from rich.console import Console

    from training.emotion.evaluate import evaluate_datasets, print_report, to_json, write_report

    report = evaluate_datasets(checkpoint, datasets, batch, majority=majority, additions=additions or ())
    if out:
        write_report(report, out)
    if json:
        print(to_json(report))
    elif not out:
        print_report(report, Console())


@command
def bundle(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    out: Annotated[Path, typer.Option(help="Folder of the new bundle.")],
) -> None:
    """Make a checkpoint bundle of a finished emotion run."""
    from training.emotion.bundle import make_bundle

    metrics = make_bundle(run, out)
    print(
        f"{out}: accuracy {metrics.accuracy:.1%}, macro-F1 {metrics.macro_f1:.3f}, UAR {metrics.uar:.3f}, "
        f"ECE {metrics.ece:.3f} on {metrics.n} images"
    )


@command
def quantize(
    folder: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of a bundle, which is replaced.")],
    root: Annotated[Path | None, typer.Option(help="Where the corpora lie, in place of the recipe's own root.")] = None,
) -> None:
    """Bring a bundle's network to 8-bit integers, where that costs no accuracy. Its PHQ heads must be trained again."""
    from training.emotion.quantization.conversion import quantize_bundle

    bundle = quantize_bundle(folder, root)
    made = bundle.config.quantization
    assert made is not None
    print(
        f"{bundle.model_id} computes in {made.precision}: accuracy {made.accuracy:.2%} in place of "
        f"{made.accuracy_fp32:.2%} on {made.held_out} images ({100 * made.low:+.2f} to {100 * made.high:+.2f} points), "
        f"the same top emotion on {made.same_emotion:.1%}, embeddings {made.embedding_error:.1%} of their length away."
    )
    if bundle.config.phq:
        print("PHQ heads on faces refuse the new embeddings: train them again. Measure the robustness again, too.")


@command
def card(folder: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of a bundle.")]) -> None:
    """Write a bundle's model card from the figures in its folder."""
    from training.emotion.card import write_card

    write_card(folder)


@command
def robustness(
    checkpoint: Annotated[str, typer.Argument(help="Name or folder of a checkpoint bundle.")],
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="CORPUS:PATH[#SPLIT].")],
    out: Annotated[Path | None, typer.Option(help="Folder for robustness.json and robustness.md.")] = None,
    limit: Annotated[int | None, typer.Option(help="Judge only so many images, drawn by the seed.")] = None,
    seed: Annotated[int, typer.Option(help="Of the images and the corruptions.")] = 0,
    json: Json = False,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Only draw the corruptions of four faces as a PNG.")
    ] = None,
) -> None:
    """Measure a checkpoint's accuracy under corruptions of the images."""
    from rich.console import Console

    from training.emotion.robustness import measure_robustness, print_report, to_json, write_contact_sheet, write_report

    if sheet:
        write_contact_sheet(dataset, sheet, seed)
        return
    report = measure_robustness(checkpoint, dataset, limit, seed, print_progress)
    if out:
        write_report(report, out)
    if json:
        print(to_json(report))
    else:
        print_report(report, Console())


@command
def results(
    runs: Annotated[Path, typer.Argument(metavar="RUNS", help="Folder with one folder a run.")],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("RESULTS.md"),
    figures: Annotated[Path | None, typer.Option(metavar="DIR", help="Draw each run's learning curves there.")] = None,
    recipes: Annotated[Path | None, typer.Option(help="Folder of recipes (default: the package's).")] = None,
    root: Annotated[Path | None, typer.Option(help="Where the corpora lie, in place of the recipes' own root.")] = None,
) -> None:
    """Write RESULTS.md of all recipes and their runs."""
    from training.emotion.results import write_results

    write_results(runs, out, figures, recipes, root)
