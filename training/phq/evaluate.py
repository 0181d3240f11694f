"""Judge a bundle's PHQ heads on labelled sessions: `python -m training.phq.evaluate DIR MANIFEST [--json]`.

The people should be others than those the heads were trained on: then the figures, and the interval's coverage, are
what a new person may expect. Where the manifest names a part `test`, only that part is judged.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import PhqEstimate, PhqUnavailable
from fer_phq.models.checkpoint import Bundle, find_bundle
from fer_phq.models.model import FerPhqModel, load_model
from training.phq.data.gather import Gatherer, Tell, gather
from training.phq.data.sessions import LabelledSession
from training.phq.data.tables import Gathered
from training.phq.metrics import interval_figures, phq_figures
from training.phq.train import read_labelled


@dataclass(frozen=True)
class PhqVerdict:
    """Figures of the n sessions that got an estimate (None where there is none); abstained: those that got none.

    floor_mae: of always answering the mean of the training of the head that judged. reasons: why sessions got no
    estimate, by number. modalities: what estimates were made from, by number.
    """

    n: int
    mae: float | None
    rmse: float | None
    ccc: float | None
    pearson: float | None
    floor_mae: float | None
    interval_level: float
    interval_coverage: float | None
    interval_mean_width: float | None
    abstained: int
    reasons: dict[str, int]
    modalities: dict[str, int]


def evaluate(model: FerPhqModel, data: Gathered) -> PhqVerdict:
    """Judge a model's estimates. Raises FerPhqError for a bundle without heads, or with those of another scale."""
    config = model.bundle.config.phq
    if config is None:
        raise FerPhqError(f"{model.model_id} has no PHQ head to judge.")
    if config.scale is not data.scale:
        raise FerPhqError(f"{model.model_id} gives {config.scale} estimates, the sessions have {data.scale} scores.")
    results = [model.estimate_phq(features) for features in data.features]
    judged = [i for i, result in enumerate(results) if isinstance(result, PhqEstimate)]
    given = [result for result in results if isinstance(result, PhqEstimate)]
    refused = [result for result in results if isinstance(result, PhqUnavailable)]
    figures = None
    interval = None
    if given:
        floors = {head.modalities: head.floor for head in model.heads}
        true = data.totals[judged]
        subjects = data.subjects[judged]
        scores = np.array([one.score for one in given])
        floor = np.array([floors[one.modalities] for one in given])
        figures = phq_figures(scores, true, floor, subjects)
        low = np.array([one.low for one in given])
        high = np.array([one.high for one in given])
        interval = interval_figures(low, high, true, config.interval_level)
    return PhqVerdict(
        n=len(given),
        interval_level=config.interval_level,
        interval_coverage=interval.interval_coverage if interval else None,
        interval_mean_width=interval.interval_mean_width if interval else None,
        abstained=len(refused),
        reasons=dict(Counter(str(one.reason) for one in refused)),
        modalities=dict(Counter("+".join(one.modalities) for one in given)),
        **{name: getattr(figures, name, None) for name in ("mae", "rmse", "ccc", "pearson", "floor_mae")},
    )


def part_to_judge(sessions: Sequence[LabelledSession], tell: Tell) -> list[LabelledSession]:
    """The part test where there is one, else all."""
    tests = [session for session in sessions if session.split == "test"]
    if tests and len(tests) < len(sessions):
        tell(f"Judged on the part test: {len(tests)} of {len(sessions)} sessions.")
    return tests or list(sessions)


def run(bundle: Bundle, manifest: Path, keep: Path | None, skip_bad: bool, tell: Tell) -> PhqVerdict:
    """Read, gather and judge."""
    sessions = part_to_judge(read_labelled(manifest, tell, skip_bad, for_training=False), tell)
    return evaluate(load_model(bundle.path), gather(sessions, Gatherer(bundle, keep), skip_bad, tell))


def as_text(verdict: PhqVerdict) -> str:
    """The verdict for a terminal."""
    if not verdict.n:
        return f"No session got an estimate ({verdict.abstained} without: {_counts(verdict.reasons)})."
    lines = [
        f"{verdict.n} sessions got an estimate from {_counts(verdict.modalities)}; {verdict.abstained} none"
        + (f" ({_counts(verdict.reasons)})." if verdict.reasons else "."),
        f"MAE {verdict.mae:.2f} (training's mean: {verdict.floor_mae:.2f}), RMSE {verdict.rmse:.2f}, "
        f"CCC {verdict.ccc:.2f}, Pearson {verdict.pearson:.2f}",
        f"{verdict.interval_level:.0%} interval: covers {verdict.interval_coverage:.1%}, "
        f"{verdict.interval_mean_width:.1f} points wide",
    ]
    return "\n".join(lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.phq.evaluate", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("bundle", help="name, id or folder of a checkpoint bundle")
    parser.add_argument("manifest", type=Path, help="a CSV, or a folder of DAIC-WOZ or E-DAIC")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--skip-bad", action="store_true", help="go on without the rows that cannot be used")
    parser.add_argument("--features", type=Path, help="folder to keep what recordings give")
    options = parser.parse_args(argv)

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        verdict = run(find_bundle(options.bundle), options.manifest, options.features, options.skip_bad, tell)
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(dataclasses.asdict(verdict), indent=2) if options.json else as_text(verdict))
    return 0


if __name__ == "__main__":
    sys.exit(main())
