"""Which claims of a head stand, as sentences that make one paragraph. They follow from the evidence alone.

A control measures with error: what it misses of a leak is left in the head's estimates when the control is held
constant, and looks like the subject (Westfall & Yarkoni, 2016, PLoS ONE 11:e0152719). So where a control tells the
scores, the head must also be better than it.
"""

from __future__ import annotations

from fer_phq.core.messages import Message, Template
from fer_phq.models import messages
from fer_phq.models.evidence.controls import Control, ControlFigures, ControlName
from fer_phq.models.evidence.record import ALL, Evidence, Gap, GroupCoverage, Shift

FEW_PEOPLE = 50
"""With fewer people, a control that tells nothing has not been shown to tell nothing (our choice)."""

SHIFTED = 0.05
"""Probability below which sessions are said to differ from the training."""

CONTROL_NAMES = {
    ControlName.INTERVIEWER: messages.CONTROL_INTERVIEWER,
    ControlName.LENGTH: messages.CONTROL_LENGTH,
    ControlName.GROUP: messages.CONTROL_GROUP,
    ControlName.SHUFFLED: messages.CONTROL_SHUFFLED,
    ControlName.EXCHANGED: messages.CONTROL_SHUFFLED,
}


def judge_claims(evidence: Evidence) -> tuple[Message, ...]:
    """Say which claims of a head stand.

    Args:
        evidence: What was measured.

    Returns:
        Sentences that follow each other as one paragraph.
    """
    knows = evidence.ccc.is_positive
    sentences = [_judge_knowledge(evidence)]
    gain = evidence.above_mean
    if gain.high < 0:
        sentences.append(messages.CLAIM_WORSE_THAN_MEAN(loss=-gain.value, low=-gain.high, high=-gain.low))
    for control in evidence.controls:
        sentences.append(_judge_control(control, knows))
        if control.figures is not None and control.figures.subjects < min(FEW_PEOPLE, evidence.subjects):
            sentences.append(messages.CLAIM_FEW_FOR_CONTROL(people=control.figures.subjects))
    sentences += [_judge_gap(gap) for gap in evidence.gaps]
    if evidence.gap_missing is not None:
        sentences.append(messages.CLAIM_GAP_UNTESTED(reason=evidence.gap_missing))
    sentences += _judge_coverage(evidence)
    sentences += [claim for shift in evidence.shifts for claim in _judge_shift(shift)]
    if evidence.shift_missing is not None:
        sentences.append(messages.CLAIM_SHIFT_UNTESTED(reason=evidence.shift_missing))
    if evidence.subjects < FEW_PEOPLE:
        sentences.append(messages.CLAIM_FEW_PEOPLE(people=evidence.subjects))
    return tuple(sentences)


def _judge_knowledge(evidence: Evidence) -> Message:
    ccc = evidence.ccc
    gain = evidence.above_mean
    knowledge = messages.CLAIM_KNOWS if ccc.is_positive else messages.CLAIM_KNOWS_NOTHING
    return knowledge(ccc=ccc.value, ccc_low=ccc.low, ccc_high=ccc.high, gain=gain.value, low=gain.low, high=gain.high)


def _judge_control(control: Control, knows: bool) -> Message:
    name = CONTROL_NAMES[control.name]()
    if control.figures is None:
        assert control.missing is not None
        return messages.CLAIM_UNTESTED(control=name, reason=control.missing)
    figures = control.figures
    if control.name is ControlName.SHUFFLED:
        return _judge_shuffled(figures)
    if control.name is ControlName.EXCHANGED:
        return _judge_exchanged(figures)
    ccc = figures.ccc.value
    if not knows:
        return (messages.CLAIM_CONTROL_TELLS if figures.tells else messages.CLAIM_CONTROL_SILENT)(control=name, ccc=ccc)
    assert figures.beyond is not None
    rest = figures.beyond
    return _choose_claim(figures)(control=name, ccc=ccc, rest=rest.value, low=rest.low, high=rest.high)


def _choose_claim(figures: ControlFigures) -> Template:
    """Choose what to say of a head that knows something, beside a control."""
    assert figures.beyond is not None
    goes_beyond = figures.beyond.is_positive
    if not figures.tells:
        return messages.CLAIM_STANDS if goes_beyond else messages.CLAIM_OPEN
    if not goes_beyond:
        return messages.CLAIM_FALLS
    return messages.CLAIM_PARTLY if figures.head_gain.is_positive else messages.CLAIM_DOUBTFUL


def _judge_shuffled(figures: ControlFigures) -> Message:
    return (messages.CLAIM_SHUFFLED_TELLS if figures.tells else messages.CLAIM_SHUFFLED_SILENT)(ccc=figures.ccc.value)


def _judge_exchanged(figures: ControlFigures) -> Message:
    """Judge a permutation test. That nothing is told of exchanged scores is so by construction, and is no claim."""
    gain = figures.head_gain
    claim = messages.CLAIM_BEYOND_CHANCE if gain.is_positive else messages.CLAIM_WITHIN_CHANCE
    return claim(gain=gain.value, low=gain.low, high=gain.high)


def _judge_coverage(evidence: Evidence) -> list[Message]:
    """Say of all scores, and of which groups, intervals hold fewer than they say."""
    short = [group for group in evidence.coverage if group.covered.high < evidence.level]
    sentences = []
    for group in evidence.coverage:
        if group.column == ALL:
            claim = messages.CLAIM_COVERAGE_FALLS if group in short else messages.CLAIM_COVERAGE
            sentences.append(claim(level=evidence.level, share=group.covered.value, **_ends(group)))
    sentences += [
        messages.CLAIM_GROUP_COVERAGE(
            group=describe_group(group), share=group.covered.value, people=group.subjects, **_ends(group)
        )
        for group in short
        if group.column != ALL
    ]
    return sentences


def _judge_shift(shift: Shift) -> list[Message]:
    """Say whether coverage can be promised for the new sessions."""
    scores = shift.scores
    claim = messages.CLAIM_SHIFT if shift.p < SHIFTED else messages.CLAIM_NO_SHIFT
    sentences = [claim(name=shift.name, distance=shift.distance, p=shift.p, largest=shift.largest)]
    if scores.low > 0 or scores.high < 0:
        ends = {"difference": scores.value, "low": scores.low, "high": scores.high}
        sentences.append(messages.CLAIM_SCORE_SHIFT(**ends))
    return sentences


def _ends(group: GroupCoverage) -> dict[str, float]:
    return {"low": group.covered.low, "high": group.covered.high}


def describe_group(group: GroupCoverage) -> str:
    """Write a group's name for a reader, as 'score 10 to 14' or 'sex f'."""
    return f"{group.column} {group.value}".strip()


def _judge_gap(gap: Gap) -> Message:
    difference = gap.difference
    claim = messages.CLAIM_GAP if difference.is_positive else messages.CLAIM_NO_GAP
    return claim(
        name=gap.name,
        held_out=gap.held_out_mae,
        folds=gap.folds_mae,
        people=gap.subjects,
        low=difference.low,
        high=difference.high,
    )
