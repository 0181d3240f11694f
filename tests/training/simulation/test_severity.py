import numpy as np
import pytest
from scipy.stats import pearsonr

from fer_phq.core.emotions import EMOTIONS, emotion_index
from training.simulation.severity import (
    BASE_SHARES,
    EmbeddingBank,
    ExpressionLinks,
    draw_severity,
    draw_shares,
    simulate_session,
)

NO_SIGNAL = ExpressionLinks(happiness=0, blunting=0, slowing=0, sadness=0)


def simulate_cohort(subjects, seed, links=None, frames=(8, 600)):
    rng, links = np.random.default_rng(seed), links or ExpressionLinks()
    return [
        simulate_session(i, int(total), links.person * rng.normal(size=7), int(rng.integers(*frames)), 2.0, links, rng)
        for i, total in enumerate(draw_severity(subjects, rng))
    ]


def share_of(session, name: str) -> float:
    return float((session.expressions == emotion_index(name)).mean())


def changes(session) -> float:
    return float((np.diff(session.expressions) != 0).mean())


def test_severity_has_the_published_mean_and_spread():
    totals = draw_severity(20_000, np.random.default_rng(0))
    assert totals.min() >= 0
    assert totals.max() <= 24
    assert totals.mean() == pytest.approx(6.67, abs=0.25)
    assert totals.std() == pytest.approx(5.75, abs=0.4)


def test_without_links_and_noise_the_shares_are_the_base():
    still = ExpressionLinks(happiness=0, blunting=0, slowing=0, sadness=0, person=0, session=0)
    got = draw_shares(24, np.zeros(7), still, np.random.default_rng(0))
    np.testing.assert_allclose(got, [BASE_SHARES[name] for name in EMOTIONS], rtol=1e-9)


def test_severity_means_fewer_smiles_more_neutral_and_slower_change():
    cohort = simulate_cohort(1500, seed=1, frames=(400, 600))
    totals = [s.total for s in cohort]
    assert pearsonr(totals, [share_of(s, "happiness") for s in cohort])[0] < -0.2
    assert pearsonr(totals, [share_of(s, "neutral") for s in cohort])[0] > 0.2
    assert pearsonr(totals, [changes(s) for s in cohort])[0] < -0.1


def test_without_links_severity_leaves_no_trace():
    cohort = simulate_cohort(1500, seed=1, links=NO_SIGNAL, frames=(200, 300))
    totals = [s.total for s in cohort]
    for measure in (lambda s: share_of(s, "happiness"), lambda s: share_of(s, "neutral"), changes):
        assert abs(pearsonr(totals, [measure(s) for s in cohort])[0]) < 0.08


def test_a_seed_gives_the_same_cohort():
    first, again = simulate_cohort(5, seed=4), simulate_cohort(5, seed=4)
    assert all(np.array_equal(a.expressions, b.expressions) for a, b in zip(first, again, strict=True))


def test_each_frame_shows_its_expression():
    labels = np.repeat(np.arange(7), 20)
    bank = EmbeddingBank(np.eye(7, dtype=np.float32)[labels], labels)
    session = simulate_cohort(1, seed=0, frames=(50, 60))[0]
    drawn = bank.draw(session, np.random.default_rng(0))
    np.testing.assert_array_equal(labels[drawn], session.expressions)
