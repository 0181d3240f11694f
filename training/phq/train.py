"""Train PHQ heads from labelled sessions: `python -m training.phq MANIFEST --out DIR [--seed N] [--quick]`.

MANIFEST is a CSV (`training.phq.data.manifest`), or the folder of DAIC-WOZ or E-DAIC as it was given out
(`training.phq.data.daic`). DIR becomes a checkpoint bundle: the base bundle's backbone, a head for each set of
modalities that enough sessions have, their report and card. Sessions of a part `test` are left out: they are for
`python -m training.phq.evaluate`. Nothing makes the bundle active but a person.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Provenance
from fer_phq.models.checkpoint import Bundle, find_bundle
from training.phq.bundle import refuse_filled, write_phq_bundle
from training.phq.data.daic import read_daic, refuse_overlap
from training.phq.data.gather import Gatherer, Tell, gather
from training.phq.data.manifest import problem_lines, read_manifest
from training.phq.data.sessions import LabelledSession
from training.phq.data.tables import FEWEST_SESSIONS, FEWEST_SUBJECTS, Gathered, modality_sets, set_table
from training.phq.report import PhqReport, report_set
from training.phq.selection import Watch, fit_set
from training.simulation.severity import SIMULATED


@dataclass(frozen=True)
class Options:
    """How heads are trained. quick: only ridge, one repetition of the cross-validation."""

    seed: int = 0
    quick: bool = False
    skip_bad: bool = False


def read_labelled(path: Path, tell: Tell, skip_bad: bool = False, for_training: bool = True) -> list[LabelledSession]:
    """Labelled sessions of a manifest or a corpus' folder; what a person should know of them is told."""
    if path.is_dir():
        corpus = read_daic(path)
        for line in (*corpus.left_out, *corpus.warnings):
            tell(line)
        return list(corpus.sessions)
    reading = read_manifest(path, skip_bad, for_training)
    for line in problem_lines(reading.problems):
        tell(line)
    if reading.skipped:
        tell(f"{reading.skipped} rows were left out, {len(reading.sessions)} are used.")
    return list(reading.sessions)


def fit(data: Gathered, options: Options, tell: Tell = lambda _: None, watch: Watch = lambda _: None) -> PhqReport:
    """Fit every set of modalities that enough sessions have. Raises FerPhqError when there is none."""
    chosen = modality_sets(data)
    if not chosen:
        raise FerPhqError(
            f"{len(data)} sessions of {data.people} people are too few: a set of modalities needs {FEWEST_SESSIONS} of "
            f"{FEWEST_SUBJECTS} people."
        )
    sets = []
    for modalities in chosen:
        having = data.having(modalities)
        tell(f"Training on {'+'.join(modalities)}: {len(having)} sessions of {having.people} people")
        fitted = fit_set(set_table(having, modalities), data.scale, options.quick, options.seed, watch=watch)
        sets.append(report_set(fitted, having, options.seed))
    # Sets are of different sessions: they are compared by what each gains on the floor of its own.
    sets.sort(key=lambda one: one.gain)
    facts = {"seed": options.seed, "quick": options.quick}
    return PhqReport(data.scale, tuple(sets), len(data), data.people, facts)


def train(
    sessions: Sequence[LabelledSession],
    gatherer: Gatherer,
    base: Bundle,
    out: Path,
    options: Options,
    tell: Tell = lambda _: None,
    replace_old: bool = False,
    watch: Watch = lambda _: None,
) -> PhqReport:
    """Gather features, fit, and write the bundle. Raises FerPhqError in one sentence, before anything is written."""
    refuse_filled(out, replace_old)
    used = [session for session in sessions if session.split != "test"]
    if len(used) < len(sessions):
        tell(f"{len(sessions) - len(used)} sessions of the part test are left out.")
    refuse_overlap(session.subject_id for session in used)
    data = gather(used, gatherer, options.skip_bad, tell)
    report = fit(data, options, tell, watch)
    provenance = provenance_of(data)
    write_phq_bundle(report, base, out, provenance, sentence_of(report, provenance), replace_old)
    return report


def provenance_of(data: Gathered) -> Provenance:
    """Simulated where any session is, by its features' kind or its column `provenance`; else clinical."""
    faces = {features.face.kind for features in data.features if features.face is not None}
    told = {session.groups.get("provenance", "").casefold() for session in data.sessions}
    return Provenance.SIMULATED if SIMULATED in faces | told else Provenance.CLINICAL


def sentence_of(report: PhqReport, provenance: Provenance) -> str:
    """One sentence on the labels."""
    count = f"{report.sessions} sessions of {report.subjects} people"
    if provenance is Provenance.SIMULATED:
        return f"Trained on {count} that were simulated: it says nothing about any person."
    return f"Trained on {report.scale} questionnaires of {count}."


def summary_of(report: PhqReport) -> str:
    """What a terminal shows of each set."""
    lines = []
    for one in report.sets:
        figures = one.chosen.figures
        interval = one.fit.interval
        lines.append(
            f"{one.name}: {one.fit.head.model}, MAE {figures.mae:.2f} (mean: {figures.floor_mae:.2f}), "
            f"CCC {figures.ccc:.2f}, {interval.interval_level:.0%} interval covers {interval.interval_coverage:.0%}, "
            f"{interval.interval_mean_width:.1f} points wide"
        )
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    found = argparse.ArgumentParser(prog="python -m training.phq", description=(__doc__ or "").splitlines()[0])
    found.add_argument("manifest", type=Path, help="a CSV, or a folder of DAIC-WOZ or E-DAIC")
    found.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    found.add_argument("--seed", type=int, default=0, help="of the folds")
    found.add_argument("--quick", action="store_true", help="only ridge regression, one repetition")
    found.add_argument("--skip-bad", action="store_true", help="go on without the rows that cannot be used")
    found.add_argument("--base", help="bundle whose backbone is used (default: the active one)")
    found.add_argument("--features", type=Path, help="folder to keep what recordings give, for another training")
    found.add_argument("--steps", type=Path, help="file for each model's error after every fold, as JSON lines")
    found.add_argument("--force", action="store_true", help="replace a bundle that is there")
    return found


@contextmanager
def _watched(path: Path | None) -> Iterator[Watch]:
    """Writes every step to the file at once, so that it can be followed; without one, nothing."""
    if path is None:
        yield lambda _: None
        return
    try:
        file = path.open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        raise FerPhqError(f"The file {path} cannot be written: {error.strerror}.") from None
    with file:
        yield lambda step: print(json.dumps(dataclasses.asdict(step)), file=file)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    options = parser().parse_args(argv)

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        if not 0 <= options.seed < 2**32:
            raise FerPhqError(f"A seed lies between 0 and 2**32 - 1, {options.seed} was given.")
        base = find_bundle(options.base)
        refuse_filled(options.out, options.force)
        sessions = read_labelled(options.manifest, tell, options.skip_bad)
        chosen = Options(options.seed, options.quick, options.skip_bad)
        gatherer = Gatherer(base, options.features)
        with _watched(options.steps) as watch:
            report = train(sessions, gatherer, base, options.out, chosen, tell, options.force, watch)
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(summary_of(report))
    print(f"The bundle {options.out} is ready; its report is report.md. It is not active.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
