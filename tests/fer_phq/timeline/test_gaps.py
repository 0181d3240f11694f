"""What is said of neighbouring frames: smoothing, episodes and thinning, none of which may reach across a gap."""

from __future__ import annotations

import numpy as np
import pytest

from fer_phq.core.emotions import EMOTIONS, emotion_index
from fer_phq.timeline.downsample import bin_minimum, downsample
from fer_phq.timeline.episodes import find_episodes
from fer_phq.timeline.gaps import row_edges, run_ids
from fer_phq.timeline.smoothing import smooth

HAPPY = emotion_index("happiness")
_NAN = float("nan")


def timeline(happy: list[float], rest: str = "neutral") -> np.ndarray:
    """Probabilities (n, 7) with these of happiness; NaN makes a gap."""
    values = np.zeros((len(happy), len(EMOTIONS)))
    values[:, HAPPY] = happy
    values[:, emotion_index(rest)] = 1 - np.array(happy)
    values[np.isnan(happy)] = np.nan
    return values


def test_a_stretch_ends_where_the_face_is_lost_or_time_jumps() -> None:
    time_s = np.array([0, 0.5, 1.0, 1.5, 2.0, 9.0, 9.5])
    seen = np.array([True, True, False, True, True, True, True])
    assert run_ids(time_s, seen).tolist() == [0, 0, 1, 2, 2, 3, 3]
    assert run_ids(np.zeros(0), np.zeros(0, bool)).tolist() == []


def test_edges_lie_halfway() -> None:
    assert row_edges(np.array([0.0, 1.0, 3.0])).tolist() == [-0.5, 0.5, 2.0, 4.0]
    assert row_edges(np.array([4.0])).tolist() == [3.5, 4.5]
    assert row_edges(np.zeros(0)).tolist() == [0.0]


def test_smoothing_is_a_triangle_over_true_times() -> None:
    time_s = np.array([0.0, 1.0, 2.0, 2.5, 4.0])
    found = smooth(time_s, np.array([[0.0], [0.0], [1.0], [0.0], [0.0]]), 2.0)
    # at 1 s: itself 1, 0 s 1/2, 2 s 1/2, 2.5 s 1/4
    assert found[1, 0] == pytest.approx(0.5 / 2.25)
    # at 4 s: itself 1, 2.5 s 1/4; 2 s is exactly one width away
    assert found[4, 0] == 0


def test_smoothed_rows_still_sum_to_one_and_gaps_stay() -> None:
    rng = np.random.default_rng(3)
    values = rng.dirichlet(np.ones(7), 60)
    values[20:25] = np.nan
    found = smooth(np.arange(60) / 2, values, 3.0)
    assert np.isnan(found[20:25]).all()
    assert found[~np.isnan(found).any(axis=1)].sum(axis=1) == pytest.approx(np.ones(55))
    assert (found[:20].std(axis=0) < values[:20].std(axis=0)).all()


@pytest.mark.parametrize("gap", ["nan", "time"])
def test_smoothing_never_reaches_across_a_gap(gap: str) -> None:
    before, after = np.zeros((10, 7)), np.ones((10, 7))
    if gap == "nan":
        values = np.vstack([before, np.full((1, 7), np.nan), after])
        time_s = np.arange(21) / 2
    else:
        values = np.vstack([before, after])
        time_s = np.r_[np.arange(10) / 2, 7 + np.arange(10) / 2]
    found = smooth(time_s, values, 60.0)
    assert (found[:10] == 0).all()
    assert (found[-10:] == 1).all()


def test_no_width_leaves_the_values_as_they_are() -> None:
    values = np.array([[0.2, _NAN], [0.4, 0.6]])
    assert np.array_equal(smooth(np.array([0.0, 1.0]), values, 0), values, equal_nan=True)
    with pytest.raises(ValueError, match="0 s or more"):
        smooth(np.array([0.0, 1.0]), values, -1)


def test_an_episode_has_onset_peak_offset_and_dwell() -> None:
    time_s = np.arange(6.0)
    (found,) = find_episodes(time_s, timeline([0.1, 0.6, 0.9, 0.6, 0.1, 0.1]), leave=0.35, enter=0.5)
    assert (found.emotion, found.peak_s, found.cut) == ("happiness", 2.0, False)
    assert found.peak == pytest.approx(0.9)
    assert found.onset_s == pytest.approx(0.5)
    assert found.offset_s == pytest.approx(3.5)
    assert found.dwell_s == pytest.approx(3.0)


def test_two_thresholds_keep_a_flickering_expression_one() -> None:
    values = timeline([0.1, 0.55, 0.45, 0.55, 0.4, 0.6, 0.1])
    assert len(find_episodes(np.arange(7.0), values)) == 1
    assert len(find_episodes(np.arange(7.0), values, leave=0.5)) == 3


def test_what_never_becomes_likely_is_no_episode() -> None:
    assert find_episodes(np.arange(5.0), timeline([0.1, 0.4, 0.49, 0.4, 0.1])) == ()
    assert find_episodes(np.zeros(0), np.zeros((0, 7))) == ()


def test_a_gap_ends_an_episode_and_is_never_bridged() -> None:
    found = find_episodes(np.arange(7.0) / 2, timeline([0.9, 0.9, _NAN, 0.9, 0.9, 0.9, 0.1]))
    assert [(e.onset_s, e.cut) for e in found] == [(0.0, True), (1.25, True)]
    assert found[0].offset_s == pytest.approx(0.75)
    jump = find_episodes(np.array([0, 0.5, 1, 60, 60.5, 61]), timeline([0.9] * 6))
    assert [(e.onset_s, e.offset_s) for e in jump] == [(0.0, 1.25), (59.75, 61.25)]


def test_what_lasts_too_short_is_no_episode() -> None:
    values = timeline([0.0, 0.0, 0.9, 0.0, 0.0])
    assert find_episodes(np.arange(5) / 12, values) == ()
    assert len(find_episodes(np.arange(5) / 12, values, min_dwell_s=0.05)) == 1


def test_neutral_faces_are_no_episodes_unless_asked_for() -> None:
    values = timeline([0.1] * 8)
    assert find_episodes(np.arange(8.0), values) == ()
    assert [e.emotion for e in find_episodes(np.arange(8.0), values, names=EMOTIONS)] == ["neutral"]


def test_thresholds_must_make_sense() -> None:
    with pytest.raises(ValueError, match="leave <= enter"):
        find_episodes(np.arange(3.0), timeline([0.1] * 3), enter=0.3, leave=0.5)


def test_few_rows_are_left_as_they_are() -> None:
    values = np.array([[1.0], [_NAN], [3.0]])
    found = downsample(np.arange(3.0), values, max_rows=3)
    assert found.first.tolist() == [0, 1, 2]
    assert np.array_equal(found.mean, values, equal_nan=True)
    assert (found.from_s.tolist(), found.to_s.tolist()) == ([-0.5, 0.5, 1.5], [0.5, 1.5, 2.5])
    assert len(downsample(np.zeros(0), np.zeros((0, 2)))) == 0


def test_an_hour_becomes_as_many_rows_as_a_screen_shows() -> None:
    time_s = np.arange(43_200) / 12
    values = np.sin(time_s)[:, None] + np.random.default_rng(1).normal(0, 0.1, (43_200, 2))
    found = downsample(time_s, values, max_rows=1200)
    assert len(found) == 1200
    assert found.count.sum() == 43_200
    assert (found.low <= found.mean).all()
    assert (found.mean <= found.high).all()
    assert found.low.min() == values.min()
    assert found.high.max() == values.max()
    assert np.allclose(found.to_s[:-1], found.from_s[1:])
    assert ((found.from_s <= found.time_s) & (found.time_s <= found.to_s)).all()


def test_thinning_keeps_every_gap_as_wide_as_it_is() -> None:
    time_s = np.arange(6000) / 2
    values = np.ones((6000, 1))
    values[3001:3002] = np.nan  # a single frame, far shorter than a bin of 25 s
    values[4000:4100] = np.nan
    found = downsample(time_s, values, max_rows=120)
    gaps = np.isnan(found.mean[:, 0])
    assert found.count[gaps].sum() == 101
    lone = np.flatnonzero(gaps & (found.count == 1))
    assert found.from_s[lone[0]] == pytest.approx(1500.25)
    assert found.to_s[lone[0]] == pytest.approx(1500.75)
    wide = (found.from_s >= 1999) & (found.to_s <= 2051)
    assert gaps[wide].any()


def test_the_worst_of_a_bin() -> None:
    found = downsample(np.arange(8.0), np.ones((8, 1)), max_rows=2)
    assert bin_minimum(np.array([2, 2, 1, 2, 2, 2, 2, 2]), found).tolist() == [1, 2]


def test_a_held_picture_is_no_gap():
    """A smile that a screen recorder stores as one picture of 20 s is one episode, as at constant rate."""
    constant = np.arange(64) / 2
    smiles = np.where((constant >= 5) & (constant < 25), 0.9, 0.1)
    (whole,) = find_episodes(constant, timeline(list(smiles)), duration_s=np.full(64, 0.5))
    rows = np.flatnonzero((constant < 5) | (constant == 5) | (constant >= 25))
    lasting = np.r_[np.diff(constant[rows]), 0.5]
    (held,) = find_episodes(constant[rows], timeline(list(smiles[rows])), duration_s=lasting)
    assert (held.onset_s, held.offset_s, held.cut) == (whole.onset_s, whole.offset_s, False)
    assert held.dwell_s == pytest.approx(20, abs=0.5)


def test_bins_and_smoothing_weigh_rows_by_their_time():
    time_s = np.array([0.0, 9.0])
    values = np.array([[1.0], [0.0]])
    assert downsample(time_s, values, max_rows=1, edges_s=np.array([0.0, 9.0, 10.0])).mean[0, 0] == pytest.approx(0.9)
    (first, last) = smooth(np.array([0.0, 1.0]), values, 4.0, duration_s=np.array([3.0, 1.0]))
    assert (first[0], last[0]) == (pytest.approx(3 / 3.75), pytest.approx(2.25 / 3.25))
