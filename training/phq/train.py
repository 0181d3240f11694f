"""Train PHQ heads from labelled sessions: `python -m training.phq MANIFEST --out DIR [--seed N] [--quick]`.

MANIFEST is a CSV (`training.phq.data.manifest`), or the folder of DAIC-WOZ or E-DAIC as it was given out
(`training.phq.data.daic`). DIR becomes a checkpoint bundle: the base bundle's backbone, a head for each set of
modalities that enough sessions have, their report and card. Sessions of the part `test` are left out: they are for
`python -m training.phq.evaluate`. Nothing makes the bundle active but a person.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from fer_phq.core.phq import Provenance
from fer_phq.models.checkpoint import Bundle, find_bundle
from fer_phq.models.head_report import FEWEST_SESSIONS, FEWEST_SUBJECTS, HeadReport, step_to_json
from training import cli
from training.phq import commands, messages
from training.phq.bundle import check_output_folder, write_phq_bundle
from training.phq.data.daic import read_daic, refuse_overlap
from training.phq.data.dataset import LabelledDataset, build_head_data, modality_sets
from training.phq.data.feature_loader import FeatureLoader, Notify, load_features
from training.phq.data.manifest import read_manifest
from training.phq.data.manifest_problems import list_problems
from training.phq.data.sessions import LabelledSession, SourceKind
from training.phq.metrics import LEVEL
from training.phq.provenance import SIMULATED
from training.phq.report import TrainingResult, report_set
from training.phq.selection import StepHook, fit_head

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Options:
    """How heads are trained.

    Attributes:
        seed: Seed of the folds, 0 to `LARGEST_SEED`.
        quick: Whether only ridge regression is tried, with one repetition of the cross-validation.
        skip_bad: Whether sessions that cannot be used are left out, instead of refusing all.
    """

    seed: int = 0
    quick: bool = False
    skip_bad: bool = False


def read_labelled_sessions(
    path: Path, notify: Notify, skip_bad: bool = False, for_training: bool = True
) -> list[LabelledSession]:
    """Read the labelled sessions of a manifest or of a corpus' folder.

    Args:
        path: A CSV, or a folder of DAIC-WOZ or E-DAIC.
        notify: Receives what is left out, and what to know of the corpus.
        skip_bad: Whether to leave out rows that cannot be used.
        for_training: Whether the sessions must be enough to learn from.

    Raises:
        FerPhqError: The manifest or the folder cannot be used.
    """
    if path.is_dir():
        corpus = read_daic(path)
        for line in (*corpus.left_out, *corpus.warnings):
            notify(line)
        return list(corpus.sessions)
    reading = read_manifest(path, skip_bad, for_training)
    for lines in list_problems(reading.problems):
        notify(lines)
    if reading.skipped:
        notify(messages.ROWS_LEFT_OUT(skipped=reading.skipped, sessions=len(reading.sessions)))
    return list(reading.sessions)


def fit_heads(
    data: LabelledDataset,
    options: Options,
    notify: Notify = lambda _: None,
    on_step: StepHook = lambda _: None,
) -> TrainingResult:
    """Fit a head for every set of modalities that enough sessions have.

    Args:
        data: Labelled sessions with their features.
        options: How heads are trained.
        notify: Receives which set is trained.
        on_step: Called after every fold of a cross-validation.

    Raises:
        FerPhqError: No set of modalities has enough sessions, or their features differ in kind.
    """
    sets = modality_sets(data)
    if not sets:
        raise FerPhqError(
            messages.TOO_FEW_SESSIONS(
                data=len(data),
                people=data.people,
                FEWEST_SESSIONS=FEWEST_SESSIONS,
                FEWEST_SUBJECTS=FEWEST_SUBJECTS,
            )
        )
    pairs = []
    for modalities in sets:
        complete = data.with_modalities(modalities)
        names = "+".join(modalities)
        notify(messages.TRAINING_ON(modalities=names, sessions=len(complete), people=complete.people))
        head_data = build_head_data(complete, modalities)
        fit = fit_head(head_data, data.scale, options.quick, options.seed, on_step=on_step)
        pairs.append((report_set(fit, complete, options.seed, options.quick), fit))
    # Sets are of different sessions: they are compared by what each gains on the floor of its own.
    pairs.sort(key=lambda pair: pair[0].relative_rmse)
    reports, fits = zip(*pairs, strict=True)
    report = HeadReport(data.scale, len(data), data.people, reports, LEVEL, options.seed, options.quick, data.notes)
    return TrainingResult(report, fits)


def train(
    sessions: Sequence[LabelledSession],
    loader: FeatureLoader,
    base: Bundle,
    out: Path,
    options: Options,
    notify: Notify = lambda _: None,
    overwrite: bool = False,
    on_step: StepHook = lambda _: None,
) -> TrainingResult:
    """Load features, fit the heads, and write the bundle.

    Args:
        sessions: Labelled sessions; those of the part `test` are left out.
        loader: Loads the features of a session.
        base: The bundle whose backbone is used.
        out: The new bundle's folder.
        options: How heads are trained.
        notify: Receives what is done and what is left out.
        overwrite: Whether a bundle that lies in `out` is replaced.
        on_step: Called after every fold of a cross-validation.

    Raises:
        FerPhqError: The sessions or the folder cannot be used. Nothing is written then.
    """
    check_output_folder(out, overwrite)
    used = [session for session in sessions if session.split != "test"]
    if len(used) < len(sessions):
        notify(messages.TEST_LEFT_OUT(n=len(sessions) - len(used)))
    refuse_overlap(session.subject_id for session in used)
    data = load_features(used, loader, options.skip_bad, notify, with_interviewers=True)
    result = fit_heads(data, options, notify, on_step)
    provenance = provenance_of(data)
    labels = describe_labels(result.report, provenance)
    write_phq_bundle(result, base, out, provenance, labels, overwrite, sources_of(data.sessions))
    return result


def sources_of(sessions: Sequence[LabelledSession]) -> dict[str, str]:
    """Return the subject's UUID of each session that the store gave, by the session's UUID.

    A table of a person's own names subjects and files as that person calls them: none of these is written down.

    Args:
        sessions: The sessions that were learned from.
    """
    stored = [session for session in sessions if session.kind is SourceKind.FEATURES]
    pairs = [(session.path.stem, session.subject_id) for session in stored]
    return {name: subject for name, subject in pairs if UUID.fullmatch(name) and UUID.fullmatch(subject)}


def provenance_of(data: LabelledDataset) -> Provenance:
    """Return simulated where any session is, by its features' kind or its column `provenance`; else clinical."""
    face_kinds = {features.face.kind for features in data.features if features.face is not None}
    stated = {session.groups.get("provenance", "").casefold() for session in data.sessions}
    return Provenance.SIMULATED if SIMULATED in face_kinds | stated else Provenance.CLINICAL


def describe_labels(report: HeadReport, provenance: Provenance) -> Message:
    """Return one sentence on the labels that heads were trained on.

    Args:
        report: The heads' report.
        provenance: Whether the labels were clinical or simulated.
    """
    count = messages.SESSIONS_OF_PEOPLE(sessions=report.sessions, people=report.subjects)
    if provenance is Provenance.SIMULATED:
        return messages.TRAINED_ON_SIMULATED(count=count)
    return messages.TRAINED_ON(scale=str(report.scale), count=count)


def summary_of(report: HeadReport) -> str:
    """Write a line on each head for a terminal."""
    lines = []
    for set_report in report.sets:
        figures = set_report.figures
        interval = set_report.interval
        lines.append(
            f"{set_report.name}: {set_report.model}, MAE {figures.mae:.2f} (mean: {figures.floor_mae:.2f}), "
            f"CCC {figures.ccc:.2f}, {interval.interval_level:.0%} interval covers {interval.interval_coverage:.0%}, "
            f"{interval.interval_mean_width:.1f} points wide"
        )
    return "\n".join(lines)


@contextmanager
def _step_writer(path: Path | None) -> Iterator[StepHook]:
    """Provide a hook that writes every step to the file at once, so that it can be followed; without one, nothing."""
    if path is None:
        yield lambda _: None
        return
    try:
        file = path.open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        raise FerPhqError(messages.FILE_UNWRITABLE(path=str(path), strerror=str(error.strerror))) from None
    with file:
        yield lambda step: print(json.dumps(step_to_json(step)), file=file)


def train_bundle(
    manifest: Path,
    out: Path,
    options: Options,
    *,
    base: str | None = None,
    features: Path | None = None,
    steps: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Train heads from a manifest into a bundle; progress goes to standard error, the result to standard output.

    Args:
        manifest: A CSV, or a folder of DAIC-WOZ or E-DAIC.
        out: The new bundle's folder.
        options: How heads are trained.
        base: Name, id or folder of the bundle whose backbone is used; the active one by default.
        features: Folder for features of recordings, for another training; none are kept by default.
        steps: File for each model's error after every fold, as JSON lines.
        overwrite: Whether a bundle that lies in `out` is replaced.

    Raises:
        FerPhqError: The training cannot be done. No bundle is written then.
    """
    if not 0 <= options.seed <= LARGEST_SEED:
        raise FerPhqError(messages.SEED_RANGE(seed=options.seed))
    bundle = find_bundle(base)
    check_output_folder(out, overwrite)
    sessions = read_labelled_sessions(manifest, cli.print_progress, options.skip_bad)
    loader = FeatureLoader(bundle, features)
    with _step_writer(steps) as on_step:
        result = train(sessions, loader, bundle, out, options, cli.print_progress, overwrite, on_step)
    print(summary_of(result.report))
    print(f"The bundle {out} is ready; its report is report.md. It is not active.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(commands.train, argv, "training.phq")


if __name__ == "__main__":
    sys.exit(main())
