"""Doubts about words that a recogniser may have invented."""

from __future__ import annotations

import pytest

from fer_phq.transcription import Doubt, Hypothesis
from fer_phq.transcription.guards import find_doubts, is_left_out

SENTENCE = "I have not been sleeping well this week."


@pytest.mark.parametrize(
    ("text", "confidence", "seconds", "doubts"),
    [
        (SENTENCE, 0.9, 2.5, set()),
        (SENTENCE, 0.6, 2.5, {Doubt.UNLIKELY}),
        (SENTENCE, float("nan"), 2.5, {Doubt.UNLIKELY}),
        (SENTENCE, 0.9, 0.9, {Doubt.RATE}),
        (SENTENCE, 0.9, 30, {Doubt.RATE}),
        ("Yes.", 0.85, 0.4, set()),
        ("Yes.", 0.75, 0.4, {Doubt.SHORT}),
        ("You", 0.9, 0.5, {Doubt.INVENTED}),
        ("Thank you for watching!", 0.76, 2.0, {Doubt.INVENTED}),
        ("no no no no no I said", 0.9, 2.0, {Doubt.REPEATED}),
        ("No, no, I do not, no.", 0.9, 2.0, set()),
        ("and I think and I think and I think and I think", 0.9, 4.0, {Doubt.REPEATED}),
    ],
)
def test_each_doubt_has_its_reason(text, confidence, seconds, doubts):
    assert set(find_doubts(Hypothesis(0, seconds, text, confidence), seconds)) == doubts


def test_words_that_were_cut_or_may_be_anothers_are_marked():
    cut = Hypothesis(0, 2, SENTENCE, 0.9, is_complete=False)
    assert find_doubts(cut, 2.5) == (Doubt.CUT,)
    assert find_doubts(Hypothesis(0, 2, SENTENCE, 0.9), 2.5, 0.4) == (Doubt.OVERLAP,)


def test_words_that_nobody_said_are_left_out():
    for text, confidence in (("You", 0.9), ("If I release a more initial touch", 0.3), ("text", float("nan"))):
        hypothesis = Hypothesis(0, 2, text, confidence)
        assert is_left_out(hypothesis, find_doubts(hypothesis, 2.0))
    hypothesis = Hypothesis(0, 2, SENTENCE, 0.6)
    assert not is_left_out(hypothesis, find_doubts(hypothesis, 2.5))
