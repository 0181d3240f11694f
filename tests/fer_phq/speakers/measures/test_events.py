"""Turns at talk, changes of the floor and what is said inside another's turn, on drawn turns."""

from __future__ import annotations

import pytest

from fer_phq.speakers import Turn
from fer_phq.speakers.measures.events import count_seconds, find_exchange, join_stretches


def talk(*spans: tuple[int, float, float]) -> list[Turn]:
    """Stretches as (speaker, start, end)."""
    return [Turn(start_s, end_s, speaker, 1.0) for speaker, start_s, end_s in spans]


def spans(turns) -> list[tuple[int, float, float]]:
    return [(turn.speaker, turn.start_s, turn.end_s) for turn in turns]


def test_a_turn_at_talk_goes_on_over_pauses_until_another_takes_the_floor():
    exchange = find_exchange(talk((1, 0, 2), (1, 2.5, 4), (2, 4.3, 6), (1, 5.8, 9)))
    assert spans(exchange.turns) == [(1, 0, 4), (2, 4.3, 6), (1, 5.8, 9)]
    assert [turn.pauses_s for turn in exchange.turns] == [(0.5,), (), ()]
    assert [transfer.offset_s for transfer in exchange.transfers] == pytest.approx([0.3, -0.2])
    assert exchange.insets == ()


def test_what_is_said_inside_anothers_speech_takes_no_floor():
    exchange = find_exchange(talk((1, 0, 10), (2, 3, 3.6), (2, 5, 7), (1, 10.4, 12)))
    assert spans(exchange.turns) == [(1, 0, 12)]
    assert exchange.transfers == ()
    assert [inset.is_backchannel for inset in exchange.insets] == [True, False]
    assert [inset.is_interruption for inset in exchange.insets] == [False, True]


def test_who_begins_at_once_with_another_neither_answers_nor_interrupts():
    (inset,) = find_exchange(talk((1, 0, 5), (2, 0.1, 0.8))).insets
    assert not inset.is_backchannel
    (inset,) = find_exchange(talk((1, 0, 5), (2, 0.1, 3))).insets
    assert not inset.is_interruption
    (transfer,) = find_exchange(talk((1, 0, 1), (2, 0.1, 3))).transfers
    assert not transfer.is_interruption


@pytest.mark.parametrize(("start_s", "is_interruption"), [(3.4, True), (3.6, False), (4.2, False)])
def test_a_floor_taken_half_a_second_before_the_others_end_is_an_interruption(start_s, is_interruption):
    (transfer,) = find_exchange(talk((1, 0, 4), (2, start_s, 8))).transfers
    assert transfer.is_interruption is is_interruption


def test_of_three_speakers_each_may_speak_inside_any_others_turn():
    exchange = find_exchange(talk((1, 0, 6), (3, 1, 1.5), (2, 5, 9), (3, 5.5, 8.5)))
    assert [(inset.turn.speaker, inset.around.speaker) for inset in exchange.insets] == [(3, 1), (3, 2)]
    assert [turn.speaker for turn in exchange.turns] == [1, 2]


def test_the_same_time_of_two_is_no_inset_and_no_order_of_speakers_matters():
    exchange = find_exchange(talk((1, 0, 2), (2, 0, 2)))
    assert exchange.insets == ()
    assert [turn.speaker for turn in exchange.turns] == [1, 2]
    assert [inset.turn.speaker for inset in find_exchange(talk((1, 1, 1.5), (2, 1, 4))).insets] == [1]
    assert [inset.turn.speaker for inset in find_exchange(talk((2, 1, 1.5), (1, 1, 4))).insets] == [2]


def test_stretches_of_one_speaker_that_touch_or_overlap_are_joined():
    joined = join_stretches(talk((1, 3, 4), (1, 0, 2), (1, 1, 1.5), (1, 2.2, 2.5), (2, 2, 2.1)))
    assert spans(joined) == [(1, 0, 2.5), (2, 2, 2.1), (1, 3, 4)]


def test_seconds_are_counted_once_however_many_speak():
    assert count_seconds(talk((1, 0, 4), (2, 3, 6), (3, 3.5, 3.75), (1, 8, 9))) == pytest.approx((7, 1))
    assert count_seconds([]) == (0, 0)
