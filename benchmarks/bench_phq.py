"""Checks of the PHQ training: coverage of its intervals, recovery of a known signal, and no signal where there is none.

    python benchmarks/bench_phq.py                      # everything: a quarter of an hour on two cores
    python benchmarks/bench_phq.py --cohorts 50 --only coverage

All on simulated people (`training.simulation.sessions`). The oracle is the same regression on what an ideal observer
would know of each session: every frame's expression without error, and the values that speech, words and facial
behaviour were drawn from.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from fer_phq.core.phq import Modality, Scale  # noqa: E402
from fer_phq.models.conformal import conformal_bounds  # noqa: E402
from training.phq.data.dataset import build_head_data  # noqa: E402
from training.phq.models.candidates import FeatureMatrix  # noqa: E402
from training.phq.models.intervals import LEVEL, calibrate  # noqa: E402
from training.phq.selection import cross_validate  # noqa: E402
from training.plots.markdown import markdown_table  # noqa: E402
from training.simulation.behaviour.seconds import BehaviourLinks  # noqa: E402
from training.simulation.sessions import LATENTS, Cohort, SimulatedCohort, simulate  # noqa: E402
from training.simulation.severity import ExpressionLinks  # noqa: E402
from training.simulation.speech import SpeechLinks  # noqa: E402

FACE = (Modality.FACE,)
ALL_MODALITIES = tuple(Modality)
SETS = [*((modality,) for modality in Modality), (Modality.FACE, Modality.VOICE), ALL_MODALITIES]
NO_LINKS = ExpressionLinks(happiness=0, blunting=0, slowing=0, sadness=0)
NO_SPEECH_LINKS = SpeechLinks(pausing=0, monotony=0, softness=0, first_person=0, absolutist=0)
NO_BEHAVIOUR_LINKS = BehaviourLinks(
    head_speed=0, head_range=0, smile_strength=0, smile_duration=0, looking_down=0, looking_away=0, head_down=0,
    blinking=0, activity=0,
)  # fmt: skip
STRONG = 4.0
"""Strength of the signal that is to be recovered, in multiples of the usual links."""


def scale_links(times: float) -> dict[str, ExpressionLinks | SpeechLinks | BehaviourLinks]:
    """Return the usual links of a cohort, several times as strong; people differ as usual."""
    absent = {"links": NO_LINKS, "speech": NO_SPEECH_LINKS, "behaviour": NO_BEHAVIOUR_LINKS}
    usual = {"links": ExpressionLinks(), "speech": SpeechLinks(), "behaviour": BehaviourLinks()}
    return {
        name: dataclasses.replace(links, **{field: times * value for field, value in _moved(links, absent[name])})
        for name, links in usual.items()
    }


def _moved(
    links: ExpressionLinks | SpeechLinks | BehaviourLinks, absent: ExpressionLinks | SpeechLinks | BehaviourLinks
) -> list[tuple[str, float]]:
    """Return the fields that are links, and not how people differ: those that are 0 without links."""
    return [(name, value) for name, value in dataclasses.asdict(links).items() if getattr(absent, name) == 0]


def measure_coverage(
    pool: FeatureMatrix, people: int, cohorts: int, tested: int = 300
) -> tuple[np.ndarray, np.ndarray]:
    """Measure for cohorts drawn from a pool the share of new people that the interval covers, and its mean width."""
    shares = np.zeros(cohorts)
    widths = np.zeros(cohorts)
    for i in range(cohorts):
        order = np.random.default_rng(i).permutation(len(pool))[: people + tested]
        fitted = calibrate(pool.take(order[:people]), "ridge", LEVEL, i)
        new = pool.take(order[people:])
        left_out = np.stack([fold.predict(new.described) for fold in fitted.folds])
        low, high = conformal_bounds(fitted.left_out, left_out, LEVEL)
        low = np.clip(low, 0, Scale.PHQ8.maximum)
        high = np.clip(high, 0, Scale.PHQ8.maximum)
        shares[i] = ((low <= new.totals) & (new.totals <= high)).mean()
        widths[i] = (high - low).mean()
    return shares, widths


def make_oracle_matrix(simulated: SimulatedCohort, modalities: tuple[Modality, ...]) -> FeatureMatrix:
    """Make a matrix of the latents of some modalities in place of their functionals."""
    columns = [i for modality in modalities for i in LATENTS[modality]]
    data = simulated.data
    blocks = tuple("latents" for _ in columns)
    return FeatureMatrix(simulated.latents[:, columns], data.totals, data.subjects, blocks)


def measure_recovery(
    people: int, seed: int, times: float = STRONG, seconds: tuple[float, float] = (600, 1200)
) -> list[list]:
    """Measure the CCC of ridge and oracle on left-out people, for each set of modalities."""
    simulated = simulate(Cohort(people, seconds=seconds, face_gap=0.02, **scale_links(times)), seed)
    rows = []
    for modalities in SETS:
        matrix = build_head_data(simulated.data, modalities).matrix
        figures = cross_validate(matrix, "ridge", Scale.PHQ8, 3, seed).figures
        best = cross_validate(make_oracle_matrix(simulated, modalities), "ridge", Scale.PHQ8, 3, seed).figures
        rows.append(
            ["+".join(modalities), figures.ccc, best.ccc, figures.ccc / best.ccc, figures.mae, figures.floor_mae]
        )
    return rows


def measure_nothing(people: int, seeds: int) -> list[list]:
    """Measure CCC and R² of the ridge on all modalities without any link: one row for each cohort."""
    rows = []
    for seed in range(seeds):
        cohort = Cohort(people, seconds=(60, 180), links=NO_LINKS, speech=NO_SPEECH_LINKS, behaviour=NO_BEHAVIOUR_LINKS)
        matrix = build_head_data(simulate(cohort, seed).data, ALL_MODALITIES).matrix
        figures = cross_validate(matrix, "ridge", Scale.PHQ8, 1, seed).figures
        rows.append([seed, figures.ccc, figures.r2])
    return rows


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description="What the PHQ training can know, on simulated people.")
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--only", choices=("coverage", "recovery", "nothing"))
    options = parser.parse_args()
    if options.only in (None, "coverage"):
        began = time.perf_counter()
        pool = build_head_data(simulate(Cohort(6000, seconds=(60, 180)), 0).data, FACE).matrix
        rows = []
        for people in (30, 300):
            shares, widths = measure_coverage(pool, people, options.cohorts)
            cells = [f"{np.quantile(shares, q):.1%}" for q in (0.05, 0.5, 0.95)]
            rows.append([str(people), f"{shares.mean():.1%}", *cells, f"{widths.mean():.1f}"])
        print(f"\n{LEVEL:.0%} interval, {options.cohorts} cohorts ({time.perf_counter() - began:.0f} s)\n")
        print(markdown_table(["people", "covered", "5th percentile", "median", "95th", "width"], rows))
    if options.only in (None, "recovery"):
        rows = [[name, *(f"{value:.3f}" for value in values)] for name, *values in measure_recovery(300, 0)]
        print(f"\nRecovery, 300 people, links {STRONG:g} times the usual\n")
        print(markdown_table(["modalities", "CCC", "oracle's CCC", "ratio", "MAE", "floor's MAE"], rows))
    if options.only in (None, "nothing"):
        rows = [[str(seed), f"{ccc:+.3f}", f"{r2:+.3f}"] for seed, ccc, r2 in measure_nothing(300, 10)]
        print("\nNo link at all, 300 people\n")
        print(markdown_table(["cohort", "CCC", "R²"], rows))


if __name__ == "__main__":
    main()
