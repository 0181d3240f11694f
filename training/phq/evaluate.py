"""Evaluate a bundle's PHQ heads on labelled sessions.

    python -m training.phq.evaluate DIR MANIFEST [--controls] [--json]

The people should be others than those the heads were trained on: then the figures, and the interval's coverage, are
what a new person may expect. Where the manifest has a part `test`, only that part is used.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message, to_json
from fer_phq.core.phq import Modality, PhqEstimate, PhqUnavailable
from fer_phq.models.checkpoint import Bundle
from fer_phq.models.evidence.claims import judge_claims
from fer_phq.models.evidence.record import Evidence, Gap, evidence_to_json
from fer_phq.models.head_report import FEWEST_SESSIONS, FEWEST_SUBJECTS, REPORT, read_report
from fer_phq.models.model import FerPhqModel, load_model
from training import cli
from training.phq import commands, messages
from training.phq.controls.comparison import Estimates, bound_ccc, compare_errors
from training.phq.controls.coverage import measure_coverage
from training.phq.controls.measuring import exchange_scores, measure_controls
from training.phq.controls.shift import measure_shift
from training.phq.controls.stability import compare_figures
from training.phq.controls.writing import evidence_as_text
from training.phq.data.dataset import LabelledDataset
from training.phq.data.feature_loader import FeatureLoader, Notify, load_features
from training.phq.data.sessions import LabelledSession
from training.phq.metrics import interval_figures, phq_figures
from training.phq.models.intervals import LEVEL
from training.phq.selection import Bounds
from training.phq.train import read_labelled_sessions


@dataclass(frozen=True)
class PhqEvaluation:
    """Figures of the sessions that got an estimate; None where there is none.

    Attributes:
        n: Number of sessions that got an estimate.
        mae: Mean absolute error in points.
        rmse: Root mean squared error in points.
        ccc: Concordance, -1 to 1.
        pearson: Correlation, -1 to 1.
        floor_mae: MAE of always answering the mean of the training of the head that gave the estimate.
        interval_level: Nominal level of the intervals, 0 to 1.
        interval_coverage: Share of the scores that lie in their interval.
        interval_mean_width: Mean width of the intervals in points.
        abstained: Number of sessions that got no estimate.
        reasons: Number of these by reason.
        modalities: Number of estimates by the modalities they were made from.
        evidence: Controls and what else speaks for or against the heads; None where it was not asked for.
        evidence_missing: Why there is no evidence although it was asked for; None where there is.
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
    evidence: Evidence | None = None
    evidence_missing: Message | None = None


def evaluate(model: FerPhqModel, data: LabelledDataset, controls: bool = False) -> PhqEvaluation:
    """Compare a model's estimates with scores.

    Args:
        model: A model with PHQ heads.
        data: Labelled sessions with their features.
        controls: Whether to measure controls beside the heads.

    Raises:
        FerPhqError: The model has no heads, or those of another scale.
    """
    config = model.bundle.config.phq
    if config is None:
        raise FerPhqError(messages.NO_PHQ_HEAD(model_id=model.model_id))
    if config.scale is not data.scale:
        raise FerPhqError(
            messages.OTHER_SCALE(model_id=model.model_id, scale=str(config.scale), scale2=str(data.scale))
        )
    results = [model.estimate_phq(features) for features in data.features]
    positions = np.flatnonzero([isinstance(result, PhqEstimate) for result in results])
    estimates = [result for result in results if isinstance(result, PhqEstimate)]
    refused = [result for result in results if isinstance(result, PhqUnavailable)]
    figures = None
    interval = None
    evidence: Evidence | Message | None = messages.NOTHING_ESTIMATED() if controls else None
    if estimates:
        estimated = data.take(positions)
        head = _head_estimates(model, estimates)
        figures = phq_figures(head.values[0], estimated.totals, head.floor[0], estimated.subjects)
        low = np.array([estimate.low for estimate in estimates])
        high = np.array([estimate.high for estimate in estimates])
        interval = interval_figures(low, high, estimated.totals, config.interval_level)
        if controls:
            evidence = _collect_evidence(model, estimated, estimates, head, Bounds(low, high))
        if isinstance(evidence, Evidence):
            evidence = _add_shifts(evidence, model, data, {estimate.modalities for estimate in estimates})
    return PhqEvaluation(
        n=len(estimates),
        interval_level=config.interval_level,
        interval_coverage=interval.interval_coverage if interval else None,
        interval_mean_width=interval.interval_mean_width if interval else None,
        abstained=len(refused),
        reasons=dict(Counter(str(result.reason) for result in refused)),
        modalities=dict(Counter("+".join(estimate.modalities) for estimate in estimates)),
        evidence=evidence if isinstance(evidence, Evidence) else None,
        evidence_missing=evidence if isinstance(evidence, Message) else None,
        **{name: getattr(figures, name, None) for name in ("mae", "rmse", "ccc", "pearson", "floor_mae")},
    )


def _head_estimates(model: FerPhqModel, estimates: Sequence[PhqEstimate]) -> Estimates:
    """Return the scores of estimates, and the training means of the heads that gave them."""
    floors = {head.modalities: head.floor for head in model.heads}
    scores = np.array([estimate.score for estimate in estimates])
    return Estimates(scores[None], np.array([[floors[estimate.modalities] for estimate in estimates]]))


def _collect_evidence(
    model: FerPhqModel, data: LabelledDataset, estimates: Sequence[PhqEstimate], head: Estimates, bounds: Bounds
) -> Evidence | Message:
    """Measure what speaks for and against the heads on the sessions that got an estimate."""
    if len(data) < FEWEST_SESSIONS or data.people < FEWEST_SUBJECTS:
        return messages.TOO_FEW_FOR_CONTROL(sessions=len(data), people=data.people)
    errors = head.values - data.totals
    gaps = _measure_gaps(model.bundle.path, data, estimates, head)
    return Evidence(
        subjects=data.people,
        ccc=bound_ccc(head.values, data.totals, data.subjects, 0),
        above_mean=compare_errors(errors, head.floor - data.totals, data.subjects, 0),
        controls=measure_controls(data, head, exchange_scores(data, head, 0)),
        gaps=gaps,
        gap_missing=None if gaps else messages.NO_FOLDS_REPORT(),
        level=model.bundle.config.phq.interval_level if model.bundle.config.phq else LEVEL,
        coverage=measure_coverage(
            bounds, data.totals, data.subjects, data.scale, [session.groups for session in data.sessions]
        ),
    )


def _add_shifts(
    evidence: Evidence, model: FerPhqModel, data: LabelledDataset, modalities: set[tuple[Modality, ...]]
) -> Evidence:
    """Add how all sessions, those without an estimate included, differ from what the heads in use were trained on."""
    heads = [head for head in model.heads if head.modalities in modalities]
    measured = [measure_shift(head, data.features, data.totals, data.subjects, 0) for head in heads]
    shifts = tuple(shift for shift in measured if shift is not None)
    missing = None if shifts else messages.TOO_FEW_FOR_SHIFT()
    return dataclasses.replace(evidence, shifts=shifts, shift_missing=missing)


def _measure_gaps(
    bundle: Path, data: LabelledDataset, estimates: Sequence[PhqEstimate], head: Estimates
) -> tuple[Gap, ...]:
    """Compare each head's error with that of its folds, which the bundle's report holds."""
    if not (bundle / REPORT).is_file():
        return ()
    sets = np.array(["+".join(estimate.modalities) for estimate in estimates])
    gaps = []
    for report in read_report(bundle / REPORT).sets:
        members = np.flatnonzero(sets == report.name)
        subjects = data.subjects[members]
        if len(np.unique(subjects)) < FEWEST_SUBJECTS:
            continue
        figures = phq_figures(head.values[0, members], data.totals[members], head.floor[0, members], subjects)
        gaps.append(compare_figures(report.name, report.figures, figures))
    return tuple(gaps)


def select_test_part(sessions: Sequence[LabelledSession], notify: Notify) -> list[LabelledSession]:
    """Return the sessions of the part test where there is one, else all.

    Args:
        sessions: Labelled sessions.
        notify: Receives how many are used, where it is a part.
    """
    tests = [session for session in sessions if session.split == "test"]
    if tests and len(tests) < len(sessions):
        notify(messages.TEST_PART(n=len(tests), sessions=len(sessions)))
    return tests or list(sessions)


def evaluate_bundle(
    bundle: Bundle,
    manifest: Path,
    features: Path | None,
    skip_bad: bool,
    notify: Notify,
    controls: bool = False,
) -> PhqEvaluation:
    """Read labelled sessions, load their features, and evaluate a bundle's heads on them.

    Args:
        bundle: A bundle with PHQ heads.
        manifest: A CSV, or a folder of DAIC-WOZ or E-DAIC.
        features: Folder for features of recordings; None keeps none.
        skip_bad: Whether to leave out sessions that cannot be used.
        notify: Receives what is done and what is left out.
        controls: Whether to measure controls beside the heads.

    Raises:
        FerPhqError: The manifest, a session or the bundle cannot be used.
    """
    sessions = select_test_part(read_labelled_sessions(manifest, notify, skip_bad, for_training=False), notify)
    loader = FeatureLoader(bundle, features)
    data = load_features(sessions, loader, skip_bad, notify, with_interviewers=controls)
    return evaluate(load_model(bundle.path), data, controls)


def as_text(evaluation: PhqEvaluation) -> str:
    """Write an evaluation for a terminal."""
    if not evaluation.n:
        return f"No session got an estimate ({evaluation.abstained} without: {_counts(evaluation.reasons)})."
    lines = [
        f"{evaluation.n} sessions got an estimate from {_counts(evaluation.modalities)}; {evaluation.abstained} none"
        + (f" ({_counts(evaluation.reasons)})." if evaluation.reasons else "."),
        f"MAE {evaluation.mae:.2f} (training's mean: {evaluation.floor_mae:.2f}), RMSE {evaluation.rmse:.2f}, "
        f"CCC {evaluation.ccc:.2f}, Pearson {evaluation.pearson:.2f}",
        f"{evaluation.interval_level:.0%} interval: covers {evaluation.interval_coverage:.1%}, "
        f"{evaluation.interval_mean_width:.1f} points wide",
    ]
    if evaluation.evidence is not None:
        lines.append(evidence_as_text(evaluation.evidence))
    if evaluation.evidence_missing is not None:
        lines.append(f"No controls: {evaluation.evidence_missing}")
    return "\n".join(lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def evaluation_to_json(evaluation: PhqEvaluation) -> dict[str, Any]:
    """Return an evaluation as JSON-able values; evidence and claims are there where they were asked for."""
    fields = dataclasses.asdict(dataclasses.replace(evaluation, evidence=None, evidence_missing=None))
    del fields["evidence"], fields["evidence_missing"]
    if evaluation.evidence is not None:
        fields["evidence"] = evidence_to_json(evaluation.evidence)
        fields["claims"] = [str(claim) for claim in judge_claims(evaluation.evidence)]
    if evaluation.evidence_missing is not None:
        fields["evidence_missing"] = to_json(evaluation.evidence_missing)
    return fields


def as_json(evaluation: PhqEvaluation) -> str:
    """Write an evaluation as one JSON document."""
    return json.dumps(evaluation_to_json(evaluation), indent=2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(commands.evaluate, argv, "training.phq.evaluate")


if __name__ == "__main__":
    sys.exit(main())
