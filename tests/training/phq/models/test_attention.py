"""The temporal aggregator: what it must not see, what only it can see, and that numpy gives what PyTorch learnt."""

import numpy as np
import pytest
import torch
from labelled_sessions import cohort

from fer_phq.core.phq import Modality, PhqUnavailable
from fer_phq.models.conformal import FoldErrors
from fer_phq.models.phq_head import build_head, head_to_arrays, head_to_config
from fer_phq.models.regressors import AttentionRegressor, RegressorInput
from training.phq.data.dataset import build_head_data
from training.phq.models import attention
from training.phq.models.attention import compute_trust, fit_attention, fit_projection, to_attention, to_tensors
from training.phq.models.candidates import FeatureMatrix, fit_regressor
from training.phq.models.intervals import CalibratedModel
from training.phq.selection import make_head

PARTS = ("face",) * 4 + ("voice",) * 2


def table(n=80, seed=0, parts=PARTS):
    """Sessions whose total shows in column 1 during a few spans, which column 0 marks, and nowhere else."""
    rng = np.random.default_rng(seed)
    severity = np.clip(np.rint(rng.gamma(1.35, 5, n)), 0, 24)
    segments = []
    for total in severity:
        spans = rng.normal(size=(int(rng.integers(20, 40)), len(parts)))
        rare = rng.choice(len(spans), 3, replace=False)
        spans[rare, 0] += 5
        spans[rare, 1] += 2 * (total - 6.7) / 5.7
        spans[rng.random(len(spans)) < 0.1] = np.nan
        segments.append(spans.astype(np.float32))
    means = np.stack([np.r_[np.nanmean(one, 0), np.nanstd(one, 0)] for one in segments])
    return FeatureMatrix(means, severity, np.arange(n), ("face",) * means.shape[1], tuple(segments), parts)


def fit(data, seed=0):
    return fit_attention(data.windows, data.window_modalities, data.totals, data.subjects, data.maximum, seed)


def given(*segments):
    return RegressorInput(np.zeros((len(segments), 1)), tuple(segments))


@pytest.fixture(scope="module")
def data():
    return table()


@pytest.fixture(scope="module")
def fitted(data):
    return fit(data)


@pytest.fixture(scope="module")
def unseen():
    return table(n=200, seed=1)


def test_what_shows_in_rare_spans_is_learnt(data, fitted, unseen):
    def squared(estimates):
        return ((estimates - unseen.totals) ** 2).mean()

    floor = squared(data.totals.mean())
    ridge = squared(fit_regressor("ridge", data).predict(unseen.described))
    assert squared(fitted.predict(unseen.described)) < 0.6 * floor
    assert squared(fitted.predict(unseen.described)) < 0.8 * ridge


def test_spans_without_a_measurement_have_no_influence(fitted, unseen):
    segment = unseen.windows[0]
    measured = segment[np.isfinite(segment).any(1)]
    holes = np.full((len(measured), segment.shape[1]), np.nan, np.float32)
    torn = np.stack([holes, measured], 1).reshape(-1, segment.shape[1])
    whole, with_holes = fitted.predict(given(measured, torn))
    assert whole == pytest.approx(with_holes, abs=1e-9)


def test_the_order_of_spans_has_no_influence(fitted, unseen):
    segment = unseen.windows[1]
    one, other = fitted.predict(given(segment, segment[::-1]))
    assert one == pytest.approx(other, abs=1e-9)


def test_sessions_may_have_any_number_of_spans(fitted, unseen):
    segment = unseen.windows[2]
    short, long = segment[:1], np.tile(segment, (40, 1))
    found = fitted.predict(given(short, segment, long))
    assert np.isfinite(found).all()
    assert found[1] == pytest.approx(found[2], abs=1e-9)  # weights and moments are those of the spans' distribution


def test_a_missing_modality_differs_from_its_mean(fitted, unseen):
    """A flag tells them apart."""
    absent, average = unseen.windows[3].copy(), unseen.windows[3].copy()
    absent[:, 4:] = np.nan
    average[:, 4:] = fitted.centre[4:]
    one, other = fitted.predict(given(absent, average))
    assert abs(one - other) > 1e-4


def test_totals_stay_on_the_scale(fitted):
    rng = np.random.default_rng(0)
    wild = [(1e6 * rng.normal(size=(5, 6))).astype(np.float32) for _ in range(20)]
    found = fitted.predict(given(*wild))
    assert ((found >= 0) & (found <= 24)).all()


def test_a_session_in_which_nothing_was_measured_gets_the_mean(data, fitted):
    nothing = np.full((7, 6), np.nan, np.float32)
    np.testing.assert_allclose(fitted.predict(given(nothing)), data.totals.mean(), atol=1e-5)


def test_numpy_gives_what_pytorch_learnt(data, unseen, monkeypatch):
    nets = []

    def watched(net, *rest):
        nets.append(net)
        return to_attention(net, *rest)

    monkeypatch.setattr(attention, "to_attention", watched)
    monkeypatch.setattr(attention, "EPOCHS", 10)
    found = fit(data)
    (net,) = nets
    projection = fit_projection(data.windows, data.window_modalities, len(data))
    sessions = to_tensors(unseen.windows, projection, unseen.totals)
    members = len(found.total_bias)
    with torch.no_grad():
        spans, mask = sessions.windows.double(), sessions.mask
        totals = 24 * net.double()(spans.expand(members, *spans.shape), mask.expand(members, *mask.shape)).mean(0)
    wanted = found.mean + found.trust * (totals.numpy() - found.mean)
    np.testing.assert_allclose(found.predict(unseen.described), wanted, atol=1e-5)


def test_the_same_seed_gives_the_same_arrays(data, monkeypatch):
    monkeypatch.setattr(attention, "EPOCHS", 10)
    before = torch.random.get_rng_state(), torch.get_num_threads()
    one, again, other = fit(data).arrays(), fit(data).arrays(), fit(data, seed=1).arrays()
    for name, value in one.items():
        np.testing.assert_array_equal(value, again[name])
    assert not np.array_equal(one["project"], other["project"])
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert before[1] == torch.get_num_threads()


def test_trust_is_what_of_the_distance_from_the_mean_is_worth_keeping():
    rng = np.random.default_rng(0)
    totals = rng.normal(8, 5, 400)
    assert compute_trust(totals, totals) == pytest.approx(1)
    assert compute_trust(8 + 2 * (totals - totals.mean()), totals) == pytest.approx(0.5, abs=0.01)
    assert compute_trust(8 - (totals - totals.mean()), totals) == 0
    assert compute_trust(np.full(400, totals.mean()), totals) == 0


@pytest.mark.slow
def test_without_signal_it_falls_back_to_the_mean():
    errors, spread = [], []
    for seed in range(3):
        data, new = table(n=60, seed=seed), table(n=200, seed=100 + seed)
        guessed = np.random.default_rng(seed).permutation(data.totals)
        found = fit_attention(data.windows, data.window_modalities, guessed, data.subjects, 24)
        errors.append(((found.predict(new.described) - new.totals) ** 2).mean())
        spread.append(((data.totals.mean() - new.totals) ** 2).mean())
    assert np.mean(errors) < 1.1 * np.mean(spread)


def test_columns_that_nobody_measured_and_columns_that_never_vary_do_no_harm(data, monkeypatch):
    monkeypatch.setattr(attention, "EPOCHS", 5)
    segments = []
    for one in data.windows[:20]:
        changed = np.array(one)
        changed[:, 2], changed[:, 3] = np.nan, 7
        segments.append(changed)
    found = fit_attention(segments, data.window_modalities, data.totals[:20], data.subjects[:20], 24)
    assert not found.basis[2:4].any()
    assert np.isfinite(found.predict(given(*data.windows[20:]))).all()


def answered(n, seed):
    """Sessions of which each of eight columns shows one answer, some of them unknown, with the answers and totals."""
    rng = np.random.default_rng(seed)
    answers = np.clip(np.rint(0.9 + 0.8 * rng.normal(size=(n, 1)) + 0.6 * rng.normal(size=(n, 8))), 0, 3)
    segments = tuple(
        (answers[i] + rng.normal(size=(int(rng.integers(10, 20)), 8))).astype(np.float32) for i in range(n)
    )
    known = answers.copy()
    known[: n // 5] = np.nan
    return segments, known, answers.sum(1)


@pytest.mark.slow
def test_answers_are_learnt_beside_the_total(monkeypatch):
    nets = []
    monkeypatch.setattr(attention, "to_attention", lambda net, *rest: nets.append(net) or to_attention(net, *rest))
    segments, answers, totals = answered(120, 0)
    found = fit_attention(segments, ("face",) * 8, totals, np.arange(120), 24, items=answers)
    (net,) = nets
    assert set(found.arrays()) == set(fit(table(n=20)).arrays()), "what runs gives the total alone"
    new, known, _ = answered(100, 1)
    sessions = to_tensors(new, fit_projection(segments, ("face",) * 8, 120), np.zeros(100))
    members = len(found.total_bias)
    with torch.no_grad():
        spans, mask = (part.expand(members, *part.shape) for part in (sessions.windows, sessions.mask))
        above = net.item_logits(net.encode(spans, mask)).sigmoid().mean(0).numpy()
    assert (np.diff(above, axis=-1) <= 0).all(), "above 2 is never likelier than above 1"
    given, true = above.sum(-1)[20:], known[20:]
    for item in range(8):
        own = np.corrcoef(given[:, item], true[:, item])[0, 1]
        assert own > 0.5
    squared = ((found.predict(RegressorInput(np.zeros((100, 1)), new)) - answered(100, 1)[2]) ** 2).mean()
    assert squared < 0.3 * totals.var()


def test_the_ordinal_loss_by_hand():
    logits = torch.zeros(1, 2, 2, 3)
    items = torch.tensor([[[3.0, float("nan")], [0.0, float("nan")]]])
    assert attention.ordinal_loss(logits, items) == pytest.approx(np.log(2))
    logits[0, 0, 0] = 50.0
    logits[0, 1, 0] = -50.0
    assert attention.ordinal_loss(logits, items) == pytest.approx(0, abs=1e-6)
    logits[0, 1, 0] = torch.tensor([50.0, -50.0, -50.0])  # above 0 is said, the answer is 0
    assert attention.ordinal_loss(logits, items) == pytest.approx(50 / 3 / 2, rel=1e-4)
    assert attention.ordinal_loss(logits, items * float("nan")) == 0


def test_segments_are_needed(data, fitted):
    bare = FeatureMatrix(data.rows, data.totals, data.subjects, data.blocks)
    with pytest.raises(ValueError, match="reads windows"):
        fit_regressor("attention", bare)
    with pytest.raises(ValueError, match="reads windows"):
        fitted.predict(bare.described)
    with pytest.raises(ValueError, match="beside"):
        RegressorInput(data.rows, data.windows[:3])


@pytest.fixture(scope="module")
def head():
    """A head of two short fits, put together as the training does."""
    before, attention.EPOCHS = attention.EPOCHS, 5
    try:
        data = build_head_data(cohort(people=24, voice=1), (Modality.FACE, Modality.VOICE))
        fold_of = np.arange(24) % 2
        whole, *folds = (fit_regressor("attention", data.matrix.take(np.flatnonzero(fold_of != i))) for i in (2, 0, 1))
    finally:
        attention.EPOCHS = before
    return make_head(
        data,
        "attention",
        CalibratedModel(whole, tuple(folds), FoldErrors(fold_of, np.arange(24.0)), np.zeros(24), None),
    )


def test_a_head_survives_being_written(head):
    again = build_head(head_to_config(head), head_to_arrays(head))
    assert isinstance(again.regressor, AttentionRegressor)
    sessions = build_head_data(cohort(people=12, voice=1, seed=3), head.modalities).matrix.described
    for one, other in zip(again.estimate(sessions, 0.9, 24), head.estimate(sessions, 0.9, 24), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_head_describes_a_session_as_its_table_did(head):
    sessions = cohort(people=12, voice=1, seed=3)
    wanted = build_head_data(sessions, head.modalities).matrix
    found = head.prepare(head.select(sessions.features[0]))
    assert not isinstance(found, PhqUnavailable)
    np.testing.assert_array_equal(found.rows[0], wanted.rows[0])
    np.testing.assert_array_equal(found.windows[0], wanted.windows[0])


def test_arrays_that_do_not_fit_together_are_told_at_once(head):
    arrays = head_to_arrays(head)
    for name in ("whole/basis", "fold0/project", "fold1/parts"):
        with pytest.raises((ValueError, IndexError)):
            build_head(head_to_config(head), arrays | {name: arrays[name][:-1]})
