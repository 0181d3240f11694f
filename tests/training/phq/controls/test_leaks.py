"""Leaks that are planted in simulated people are caught, and where none is nothing is claimed to be one."""

import pytest

from benchmarks import bench_phq
from fer_phq.core.phq import Modality, Scale
from fer_phq.models.evidence.claims import judge_claims
from fer_phq.models.evidence.controls import ControlName
from training.phq.data.dataset import build_head_data
from training.phq.report import collect_evidence
from training.phq.selection import fit_head
from training.simulation.sessions import Cohort, simulate
from training.simulation.speech import InterviewerLinks

WORDS = (Modality.WORDS,)
NO_SIGNAL = {
    "links": bench_phq.NO_LINKS,
    "speech": bench_phq.NO_SPEECH_LINKS,
    "behaviour": bench_phq.NO_BEHAVIOUR_LINKS,
}
BEYOND = ("models.claim_stands", "models.claim_partly")


def evidence_on_words(seed=1, people=100, **knobs):
    """The evidence on a head that reads words, of sessions of five minutes."""
    absent = {modality: 1.0 for modality in Modality if modality is not Modality.WORDS}
    data = simulate(Cohort(people, seconds=(280, 320), missing=absent, **knobs), seed).data
    fit = fit_head(build_head_data(data, WORDS), Scale.PHQ8, quick=True)
    return collect_evidence(fit, data, quick=True, seed=0)


def figures_of(evidence, name):
    return next(control.figures for control in evidence.controls if control.name is name)


def claim_on(evidence, name):
    """The code of the sentence on a control: the first is on the head, the others in the order of the controls."""
    number = [control.name for control in evidence.controls].index(name)
    return judge_claims(evidence)[1 + number].code


@pytest.fixture(scope="module")
def leak_of_interviewer():
    return evidence_on_words(interviewer=InterviewerLinks(questions=2.0), everyone_counts=True, **NO_SIGNAL)


@pytest.fixture(scope="module")
def leak_of_length():
    return evidence_on_words(longer=1.5, **NO_SIGNAL)


@pytest.fixture(scope="module")
def honest():
    return evidence_on_words(**bench_phq.scale_links(3))


@pytest.fixture(scope="module")
def nothing():
    return evidence_on_words(**NO_SIGNAL)


def test_a_leak_of_the_interviewer_is_caught(leak_of_interviewer):
    interviewer = figures_of(leak_of_interviewer, ControlName.INTERVIEWER)
    assert leak_of_interviewer.ccc.is_positive, "the head profits from it"
    assert interviewer.tells
    assert interviewer.ccc.low > 0.5
    assert not interviewer.head_gain.is_positive
    assert claim_on(leak_of_interviewer, ControlName.INTERVIEWER) not in BEYOND


def test_a_leak_of_the_length_is_caught(leak_of_length):
    length = figures_of(leak_of_length, ControlName.LENGTH)
    assert leak_of_length.ccc.is_positive, "the head profits from it"
    assert length.tells
    assert length.ccc.low > 0.9
    assert claim_on(leak_of_length, ControlName.LENGTH) not in BEYOND


def test_an_interviewer_who_leaks_beside_an_honest_head_is_told_without_praise():
    evidence = evidence_on_words(interviewer=InterviewerLinks(questions=2.0), **bench_phq.scale_links(3))
    assert figures_of(evidence, ControlName.INTERVIEWER).tells
    assert claim_on(evidence, ControlName.INTERVIEWER) == "models.claim_doubtful"


def test_an_honest_head_stands_beside_the_interviewer(honest):
    interviewer = figures_of(honest, ControlName.INTERVIEWER)
    assert not interviewer.tells
    assert interviewer.beyond.low > 0.2
    assert interviewer.head_gain.is_positive
    assert claim_on(honest, ControlName.INTERVIEWER) == "models.claim_stands"
    assert judge_claims(honest)[0].code == "models.claim_knows"


def test_where_nothing_is_nothing_is_claimed(nothing):
    codes = {claim.code for claim in judge_claims(nothing)}
    assert "models.claim_knows_nothing" in codes
    assert not codes & {*BEYOND, "models.claim_control_tells", "models.claim_shuffled_tells"}


def test_shuffled_labels_tell_nothing(honest, leak_of_interviewer, nothing):
    for evidence in (honest, leak_of_interviewer, nothing):
        shuffled = figures_of(evidence, ControlName.SHUFFLED)
        assert not shuffled.tells
        assert abs(shuffled.ccc.value) < 0.12
    assert figures_of(honest, ControlName.SHUFFLED).head_gain.is_positive


def test_the_ranking_and_the_gap_are_part_of_it(honest, nothing):
    assert [rank.model for rank in honest.ranking] == ["ridge", "floor"]
    assert honest.ranking[0].first > 0.95
    assert nothing.ranking[0].model == "floor"
    (gap,) = honest.gaps
    assert gap.subjects == 20
    assert gap.difference.low < 0 < gap.difference.high
    assert gap.difference.value == pytest.approx(gap.held_out_mae - gap.folds_mae)
