"""The shipped bundle's demonstration PHQ heads: `python -m training.simulation.shipped_heads BUNDLE --data FOLDER`.

Simulated sessions (`training.simulation.sessions`) whose frames are embeddings of real FER+ training images by the
bundle's own backbone; voice and words are simulated too. Heads, provenance `simulated` and `phq_metrics.json` (on
newly simulated people) are put into the bundle, all at once.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
from pathlib import Path

from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Modality, Provenance
from fer_phq.models.checkpoint import find_bundle
from fer_phq.models.model import FerPhqModel, load_model
from training.emotion.data.corpora import Source, load_faces
from training.phq.bundle import replace_folder, write_heads
from training.phq.evaluate import PhqEvaluation, evaluate
from training.phq.train import Options, fit_heads
from training.simulation.sessions import Cohort, simulate
from training.simulation.severity import EmbeddingBank

SUBJECTS = 400
SECONDS = (10.0, 900.0)
MISSING = {Modality.FACE: 0.15, Modality.VOICE: 0.15, Modality.WORDS: 0.3}
TRAINING_SENTENCE = (
    "Trained on simulated PHQ-8 labels only (training/simulation/severity.py): a demonstration of the machinery, "
    "without evidence about any person."
)


def embedding_bank(model: FerPhqModel, folder: Path) -> EmbeddingBank:
    """Embeddings of the FER+ training images with their majority emotions."""
    faces = load_faces(Source(corpus="ferplus", path=str(folder), split="train"))
    embeddings = model.embed(faces.crops())
    return EmbeddingBank(embeddings, faces.labels, model.classify(embeddings), model.face_kind)


def train(folder: Path, data: Path, seed: int, subjects: int = SUBJECTS) -> PhqEvaluation:
    """Simulate, fit, write the heads into the bundle, and judge them on as many new people."""
    model = load_model(folder)
    bank = embedding_bank(model, data)
    cohort = Cohort(subjects, seconds=SECONDS, missing=MISSING)
    result = fit_heads(
        simulate(cohort, seed, bank).data, Options(seed, quick=True), lambda line: print(line, file=sys.stderr)
    )
    config = model.bundle.config
    with replace_folder(folder) as part:
        shutil.copytree(folder, part, dirs_exist_ok=True)
        write_heads(result, config, part, Provenance.SIMULATED, TRAINING_SENTENCE, config.name)
        verdict = evaluate(load_model(part), simulate(cohort, seed + 1000, bank).data)
        cohort_said = f"{subjects} people, one session of {SECONDS[0]:g} to {SECONDS[1]:g} s each"
        text = json.dumps(dataclasses.asdict(verdict) | {"training": cohort_said}, indent=2)
        (part / "phq_metrics.json").write_text(text + "\n", encoding="utf-8")
    return verdict


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.simulation.shipped_heads", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with FER+'s train.parquet")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    try:
        verdict = train(find_bundle(options.bundle).path, options.data, options.seed)
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(dataclasses.asdict(verdict), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
