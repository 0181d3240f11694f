"""The shipped bundle's demonstration PHQ heads: `python -m training.simulation.shipped_heads BUNDLE --data FOLDER`.

They are trained on simulated sessions (`training.simulation.sessions`). Frames are embeddings of real FER+ training
images by the bundle's own backbone; voice, words and facial behaviour are simulated too. Heads, provenance `simulated`
and `phq_metrics.json` (on newly simulated people) are put into the bundle, all at once.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from fer_phq.core.phq import Modality, Provenance
from fer_phq.models.checkpoint import find_bundle
from fer_phq.models.model import FerPhqModel, load_model
from training import cli
from training.emotion.data.corpora import Source, load_faces
from training.folders import replace_folder
from training.phq.bundle import write_heads
from training.phq.evaluate import PhqEvaluation, as_json, evaluate, evaluation_to_json
from training.phq.train import Options, fit_heads
from training.simulation import messages
from training.simulation.sessions import Cohort, simulate
from training.simulation.severity import EmbeddingBank

SUBJECTS = 400
SECONDS = (10.0, 900.0)
MISSING = {Modality.FACE: 0.15, Modality.VOICE: 0.15, Modality.WORDS: 0.3, Modality.BEHAVIOUR: 0.3}


def make_embedding_bank(model: FerPhqModel, folder: Path) -> EmbeddingBank:
    """Compute the embeddings of the FER+ training images.

    Args:
        model: Makes the embeddings.
        folder: Folder with FER+'s train.parquet.

    Raises:
        FerPhqError: The images cannot be read.
    """
    faces = load_faces(Source(corpus="ferplus", path=str(folder), split="train"))
    embeddings = model.embed(faces.crops())
    return EmbeddingBank(embeddings, faces.labels, model.classify(embeddings), model.face_kind)


def train_heads(folder: Path, data: Path, seed: int, subjects: int = SUBJECTS) -> PhqEvaluation:
    """Simulate a cohort, fit heads, write them into the bundle, and evaluate them on as many new people.

    Args:
        folder: The bundle's folder. It is replaced at once, or stays as it was.
        data: Folder with FER+'s train.parquet.
        seed: Seed of the cohort and of the training.
        subjects: Number of people in each of the two cohorts.

    Returns:
        The evaluation on the new people.

    Raises:
        FerPhqError: The images cannot be read, or the bundle cannot be written.
    """
    model = load_model(folder)
    bank = make_embedding_bank(model, data)
    cohort = Cohort(subjects, seconds=SECONDS, missing=MISSING)
    result = fit_heads(
        simulate(cohort, seed, bank).data, Options(seed, quick=True), lambda line: print(line, file=sys.stderr)
    )
    config = model.bundle.config
    labels = messages.SIMULATED_LABELS(scale=str(result.report.scale), file="training/simulation/severity.py")
    with replace_folder(folder) as part:
        shutil.copytree(folder, part, dirs_exist_ok=True)
        write_heads(result, config, part, Provenance.SIMULATED, labels, config.name)
        evaluation = evaluate(load_model(part), simulate(cohort, seed + 1000, bank).data)
        cohort_text = f"{subjects} people, one session of {SECONDS[0]:g} to {SECONDS[1]:g} s each"
        text = json.dumps(evaluation_to_json(evaluation) | {"training": cohort_text}, indent=2)
        (part / "phq_metrics.json").write_text(text + "\n", encoding="utf-8")
    return evaluation


@cli.command
def train_command(
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
    data: Annotated[Path, typer.Option(help="Folder with FER+'s train.parquet.")],
    seed: Annotated[int, typer.Option(help="Of the simulation and the folds.")] = 0,
) -> None:
    """Train a bundle's demonstration PHQ heads on simulated sessions, and evaluate them on other simulated people."""
    evaluation = train_heads(find_bundle(bundle).path, data, seed)
    print(as_json(evaluation))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(train_command, argv, "training.simulation.shipped_heads")


if __name__ == "__main__":
    sys.exit(main())
