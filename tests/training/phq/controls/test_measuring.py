"""Controls are fitted on other people, and scores are exchanged between whole people."""

from dataclasses import replace

import numpy as np
import pytest
from labelled_sessions import cohort

from fer_phq.core.phq import Modality, Scale
from fer_phq.models.evidence.controls import ControlName
from training.phq.controls import measuring
from training.phq.controls.comparison import Estimates
from training.phq.controls.measuring import (
    cross_estimate,
    exchange_people,
    exchange_scores,
    give_scores,
    measure_controls,
    phq_ccc,
    refit_shuffled,
)
from training.phq.data.dataset import build_head_data
from training.phq.metrics import phq_figures


def grouped(people, sessions, signal):
    """A cohort whose column age is the score, with noise."""
    data = cohort(people=people, sessions=sessions, signal=signal, voice=0)
    rng = np.random.default_rng(0)
    ages = {name: rng.normal() for name in {session.subject_id for session in data.sessions}}
    labelled = [
        replace(session, groups={"age": f"{40 + 2 * session.score + ages[session.subject_id]:.2f}"})
        for session in data.sessions
    ]
    return replace(data, sessions=tuple(labelled))


def estimates_of(data):
    return cross_estimate(build_head_data(data, (Modality.FACE,)).matrix, "ridge", Scale.PHQ8, 3, 0)


def test_scores_move_between_people_and_stay_together():
    subjects = np.array([0, 0, 0, 1, 2, 2, 3, 3, 3, 3])
    for seed in range(20):
        donors = exchange_people(subjects, np.random.default_rng(seed))
        assert (subjects[donors] != subjects).all()
        for person in range(4):
            givers = set(subjects[donors[subjects == person]])
            assert len(givers) == 1, "a person gets the scores of one person"
        assert len({subjects[donors[subjects == person]][0] for person in range(4)}) == 4


def test_a_group_that_tells_the_score_is_found():
    data = grouped(40, 2, signal=0.3)
    head = estimates_of(data)
    group = next(c for c in measure_controls(data, head, exchange_scores(data, head, 0)) if c.name is ControlName.GROUP)
    assert group.figures.columns == ("age",)
    assert (group.figures.sessions, group.figures.subjects) == (80, 40)
    assert group.figures.tells
    assert group.figures.ccc.low > 0.9
    assert group.figures.head_gain.high < 0
    assert group.figures.head_rmse == pytest.approx(np.sqrt(((head.values - data.totals) ** 2).mean()))


def test_people_are_never_on_both_sides():
    """A column that names the person would tell everything, were a person split between folds."""
    data = cohort(people=25, sessions=5, signal=0, voice=0)
    head = estimates_of(data)
    rng = np.random.default_rng(3)
    number = {name: f"{rng.uniform(18, 90):.3f}" for name in {session.subject_id for session in data.sessions}}
    named = replace(data, sessions=tuple(replace(s, groups={"age": number[s.subject_id]}) for s in data.sessions))
    controls = measure_controls(named, head, exchange_scores(named, head, 0))
    figures = next(control.figures for control in controls if control.name is ControlName.GROUP)
    assert not figures.tells
    assert abs(figures.ccc.value) < 0.2


def test_estimates_without_signal_are_within_the_shuffled_ones():
    nothing = cohort(people=40, signal=0, voice=0)
    strong = cohort(people=40, signal=1, voice=0)
    assert not exchange_scores(nothing, estimates_of(nothing), 0).figures.head_gain.is_positive
    exchanged = exchange_scores(strong, estimates_of(strong), 0)
    assert exchanged.name is ControlName.EXCHANGED
    assert exchanged.figures.head_gain.is_positive


def test_answers_are_exchanged_with_their_totals():
    """The attention network learns answers, whose sum is the score: left behind they would give it away."""
    data = cohort(people=24, sessions=2, signal=0, voice=0)
    matrix = build_head_data(data, (Modality.FACE,)).matrix
    items = np.stack([np.array([min(3, max(0, total - 3 * i)) for i in range(8)]) for total in matrix.totals])
    matrix = replace(matrix, items=items)
    assert (items.sum(1) == matrix.totals).all()
    donors = exchange_people(matrix.subjects, np.random.default_rng(0))
    moved = give_scores(matrix, donors)
    assert (moved.items.sum(1) == moved.totals).all()
    assert (moved.totals != matrix.totals).any()


def test_a_procedure_that_leaks_is_told_by_shuffled_labels(monkeypatch):
    """Folds that split people, whose faces tell who they are, find scores that belong to nobody's face."""
    data = cohort(people=25, sessions=8, signal=0, voice=0)
    matrix = build_head_data(data, (Modality.FACE,)).matrix
    tall = replace(matrix, rows=np.eye(25)[matrix.subjects], blocks=("who",) * 25)
    head = Estimates(np.full((1, 200), 6.0), np.full((1, 200), 6.0))
    assert not refit_shuffled(tall, head, "ridge", Scale.PHQ8, 0).figures.tells
    split = [(np.flatnonzero(np.arange(200) % 5 != fold), np.flatnonzero(np.arange(200) % 5 == fold)) for fold in
             range(5)]  # fmt: skip
    monkeypatch.setattr(measuring, "outer_folds", lambda *_: split)
    assert refit_shuffled(tall, head, "ridge", Scale.PHQ8, 0).figures.tells


def test_concordance_is_that_of_the_figures():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 25, 40).astype(float)
    estimates = scores / 2 + rng.normal(size=40)
    figures = phq_figures(estimates, scores, np.full(40, 6.0), np.arange(40))
    assert phq_ccc(estimates, scores) == pytest.approx(figures.ccc)
    assert phq_ccc(np.full(40, 3.0), np.full(40, 3.0)) == 0
