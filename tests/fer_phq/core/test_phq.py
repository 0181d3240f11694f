import pytest

from fer_phq.core.messages import literal
from fer_phq.core.phq import (
    DIFFICULTY_ANSWERS,
    ITEMS,
    Band,
    Modality,
    PhqEstimate,
    PhqUnavailable,
    Provenance,
    Scale,
    UnavailableReason,
    asks_difficulty,
    band_of,
    bands_between,
    check_difficulty,
    score_items,
)


def make(**changes: object) -> PhqEstimate:
    fields = {
        "score": 8.0,
        "low": 2.0,
        "high": 15.0,
        "level": 0.9,
        "scale": Scale.PHQ8,
        "provenance": Provenance.SIMULATED,
        "model_id": "m-1",
        "modalities": (Modality.FACE,),
    }
    return PhqEstimate(**(fields | changes))


@pytest.mark.parametrize(
    ("total", "band"),
    [
        (0, Band.MINIMAL),
        (4, Band.MINIMAL),
        (4.49, Band.MINIMAL),
        (4.5, Band.MILD),
        (9, Band.MILD),
        (10, Band.MODERATE),
        (14.5, Band.MODERATELY_SEVERE),
        (19, Band.MODERATELY_SEVERE),
        (20, Band.SEVERE),
        (27, Band.SEVERE),
    ],
)
def test_bands_are_cut_at_5_10_15_and_20(total, band):
    assert band_of(total) is band


def test_bands_of_an_interval_are_all_it_touches():
    assert bands_between(3, 12) == (Band.MINIMAL, Band.MILD, Band.MODERATE)
    assert bands_between(11, 12) == (Band.MODERATE,)


def test_scales_have_their_items_and_maxima():
    assert len(ITEMS) == 9
    assert (Scale.PHQ8.items, Scale.PHQ8.maximum, Scale.PHQ9.items, Scale.PHQ9.maximum) == (8, 24, 9, 27)


def test_scores_are_sums_of_complete_questionnaires():
    assert score_items([3] * 9, Scale.PHQ9) == 27
    assert score_items([0, 1, 2, 3, 0, 1, 2, 3], Scale.PHQ8) == 12


@pytest.mark.parametrize("items", [[0] * 7, [0] * 9, [0] * 7 + [4], [0] * 7 + [-1], [0] * 7 + [1.5], [True] * 8])
def test_incomplete_or_impossible_answers_have_no_score(items):
    with pytest.raises(ValueError, match="PHQ-8"):
        score_items(items, Scale.PHQ8)


def test_the_difficulty_is_asked_once_a_problem_was_checked_off():
    assert len(DIFFICULTY_ANSWERS) == 4
    assert not asks_difficulty([0] * 9)
    assert not asks_difficulty([0, None, 0])
    assert asks_difficulty([0] * 8 + [1])


@pytest.mark.parametrize("difficulty", [None, 0, 1, 2, 3])
def test_any_difficulty_may_stand_beside_a_problem(difficulty):
    check_difficulty(difficulty, [0] * 7 + [1])
    check_difficulty(None, [0] * 8)


@pytest.mark.parametrize(
    ("difficulty", "items", "sentence"),
    [
        (4, [1] * 8, "0, 1, 2 or 3"),
        (-1, [1] * 8, "0, 1, 2 or 3"),
        (True, [1] * 8, "0, 1, 2 or 3"),
        (1, [0] * 8, "asked"),
    ],
)
def test_a_difficulty_that_cannot_be_is_told(difficulty, items, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_difficulty(difficulty, items)


@pytest.mark.parametrize(
    "changes",
    [
        {"low": 9.0},
        {"high": 7.0},
        {"high": 25.0},
        {"low": -1.0},
        {"score": float("nan")},
        {"level": 90},
        {"model_id": ""},
        {"provenance": "rumour"},
        {"scale": "BDI-II"},
    ],
)
def test_an_estimate_without_a_valid_interval_and_provenance_cannot_be_made(changes):
    with pytest.raises(ValueError, match=r"."):
        make(**changes)


def test_an_estimate_needs_every_field():
    with pytest.raises(TypeError):
        PhqEstimate(score=5.0)  # type: ignore[call-arg]


def test_an_estimate_beyond_24_fits_phq9_only():
    assert make(scale=Scale.PHQ9, high=26.0).band is Band.MILD


def test_every_reason_says_itself_in_words():
    assert all(" " in str(PhqUnavailable(reason).message) for reason in UnavailableReason)
    assert str(PhqUnavailable(UnavailableReason.TOO_SHORT, literal("only two frames")).message) == "only two frames"
    with pytest.raises(ValueError, match="mood"):
        PhqUnavailable("mood")  # type: ignore[arg-type]
