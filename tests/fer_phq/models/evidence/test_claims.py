"""What is said of a head follows from its evidence."""

import pytest

from fer_phq.core.messages import literal
from fer_phq.models.evidence.claims import judge_claims
from fer_phq.models.evidence.controls import Control, ControlFigures, ControlName
from fer_phq.models.evidence.fields import Bounded
from fer_phq.models.evidence.record import Evidence, Gap, GroupCoverage, Shift

POSITIVE = Bounded(0.5, 0.1, 0.9)
UNSURE = Bounded(0.2, -0.1, 0.5)


def control(ccc, gain, beyond, name=ControlName.LENGTH, subjects=100):
    return Control(name, ControlFigures(200, subjects, ("length_s",), 4.5, 5.5, ccc, 4.5, UNSURE, gain, beyond))


def codes(controls=(), ccc=POSITIVE, subjects=100, **parts):
    claims = judge_claims(Evidence(subjects, ccc, UNSURE, tuple(controls), **parts))
    assert all(str(claim) for claim in claims)
    return [claim.code.removeprefix("models.claim_") for claim in claims]


@pytest.mark.parametrize(
    ("above", "gain", "beyond", "claim"),
    [
        (UNSURE, POSITIVE, POSITIVE, "stands"),
        (UNSURE, UNSURE, POSITIVE, "stands"),
        (UNSURE, UNSURE, UNSURE, "open"),
        (POSITIVE, POSITIVE, POSITIVE, "partly"),
        (POSITIVE, UNSURE, POSITIVE, "doubtful"),
        (POSITIVE, POSITIVE, UNSURE, "falls"),
        (POSITIVE, UNSURE, UNSURE, "falls"),
    ],
)
def test_a_head_that_knows_something_is_judged_beside_each_control(above, gain, beyond, claim):
    assert codes([control(above, gain, beyond)]) == ["knows", claim]


@pytest.mark.parametrize(("above", "claim"), [(POSITIVE, "control_tells"), (UNSURE, "control_silent")])
def test_a_head_that_knows_nothing_needs_no_comparison(above, claim):
    assert codes([control(above, UNSURE, UNSURE)], ccc=UNSURE) == ["knows_nothing", claim]


def test_shuffled_labels_must_tell_nothing():
    def shuffled(above):
        return control(above, POSITIVE, None, ControlName.SHUFFLED)

    assert codes([shuffled(UNSURE)]) == ["knows", "shuffled_silent"]
    assert codes([shuffled(POSITIVE)]) == ["knows", "shuffled_tells"]


def test_estimates_that_go_with_scores_and_lie_beside_them_are_worse_than_the_mean():
    """A head that is off by many points, as on people of another clinic, may still go with the scores."""
    evidence = Evidence(100, POSITIVE, Bounded(-2.0, -3.0, -1.0), ())
    claims = judge_claims(evidence)
    assert [claim.code for claim in claims] == ["models.claim_knows", "models.claim_worse_than_mean"]
    assert "RMSE lower by 2.00 points [1.00, 3.00]" in str(claims[1])
    assert codes(ccc=UNSURE) == ["knows_nothing"], "not shown to be worse"


def test_a_permutation_test_is_judged_by_the_estimates_gain():
    """Of exchanged scores nothing is ever told: that is no evidence for a head."""

    def exchanged(gain):
        return control(UNSURE, gain, None, ControlName.EXCHANGED)

    assert codes([exchanged(POSITIVE)]) == ["knows", "beyond_chance"]
    assert codes([exchanged(UNSURE)]) == ["knows", "within_chance"]


def test_a_control_of_fewer_people_than_the_head_says_so():
    assert codes([control(UNSURE, UNSURE, POSITIVE, subjects=12)]) == ["knows", "stands", "few_for_control"]
    assert codes([control(UNSURE, UNSURE, POSITIVE, subjects=50)]) == ["knows", "stands"]
    assert codes([control(UNSURE, UNSURE, POSITIVE, subjects=20)], subjects=20) == ["knows", "stands", "few_people"]


def test_what_could_not_be_measured_is_said_with_the_reason():
    missing = Control(ControlName.INTERVIEWER, missing=literal("Nobody else speaks."))
    evidence = Evidence(100, POSITIVE, POSITIVE, (missing,), gap_missing=literal("Too few people."))
    text = " ".join(map(str, judge_claims(evidence)))
    assert "Not tested: whether it reads more than what the interviewer says. Nobody else speaks." in text
    assert "Not tested: whether people held out are estimated as well as in the folds. Too few people." in text


def test_a_gap_and_few_people_are_said():
    gap = Gap("face", 10, 3.0, 4.0, POSITIVE)
    assert codes(gaps=(gap,)) == ["knows", "gap"]
    assert codes(gaps=(Gap("face", 10, 3.0, 3.2, UNSURE),), subjects=49) == ["knows", "no_gap", "few_people"]


def group(column, value, share, low, high):
    return GroupCoverage(column, value, 40, 30, Bounded(share, low, high), 14.0)


def test_where_intervals_hold_too_little_is_said():
    everybody = group("all", "", 0.88, 0.8, 0.94)
    severe = group("score", "10 to 24", 0.6, 0.45, 0.72)
    women = group("sex", "f", 0.85, 0.7, 0.93)
    assert codes(coverage=(everybody, severe, women)) == ["knows", "coverage", "group_coverage"]
    short = group("all", "", 0.7, 0.6, 0.8)
    assert codes(coverage=(short,)) == ["knows", "coverage_falls"]
    text = str(judge_claims(Evidence(100, POSITIVE, POSITIVE, (), coverage=(everybody, severe)))[-1])
    assert text == "Intervals hold fewer of score 10 to 24: 60% [45%, 72%] of 30 people."


@pytest.mark.parametrize(
    ("p", "scores", "claims"),
    [
        (0.2, UNSURE, ["no_shift"]),
        (0.01, UNSURE, ["shift"]),
        (0.2, POSITIVE, ["no_shift", "score_shift"]),
        (0.01, Bounded(-3, -5, -1), ["shift", "score_shift"]),
    ],
)
def test_a_shift_takes_the_promise_back(p, scores, claims):
    shift = Shift("face", 12, 0.4, p, ("face.level.1.mean +0.8 SD",), scores)
    assert codes(shifts=(shift,)) == ["knows", *claims]
    text = " ".join(map(str, judge_claims(Evidence(100, POSITIVE, POSITIVE, (), shifts=(shift,)))))
    assert ("Coverage cannot be promised" in text) is (claims != ["no_shift"])


def test_a_shift_that_could_not_be_looked_for_promises_nothing():
    claims = judge_claims(Evidence(100, POSITIVE, POSITIVE, (), shift_missing=literal("Too few people.")))
    assert "coverage cannot be promised" in str(claims[-1])
