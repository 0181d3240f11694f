"""The measures of turn taking on a drawn talk, and what they say where they cannot be told."""

from __future__ import annotations

import math

import pytest

from fer_phq.speakers import Turn
from fer_phq.speakers.measures import TURN_MEASURES, Scope, measure_turns

ROUNDS = 6
ROUND_S = 20.0


def rounds(offsets_s: tuple[float, float] = (0.4, -0.2)) -> list[Turn]:
    """Six rounds of 20 s.

    The first speaks 4 s with a pause of 1 s, the second answers with an offset and says 8 s, in which the first says a
    word and, later, a sentence; then the first takes the floor with the other offset.
    """
    turns = []
    for number in range(ROUNDS):
        start_s = number * ROUND_S
        first_end_s = start_s + 5
        answer_s = first_end_s + offsets_s[0]
        back_s = answer_s + 8 + offsets_s[1]
        turns += [
            Turn(start_s, start_s + 2, 1, 1.0),
            Turn(start_s + 3, first_end_s, 1, 1.0),
            Turn(answer_s, answer_s + 8, 2, 1.0),
            Turn(answer_s + 2, answer_s + 2.5, 1, 1.0),
            Turn(answer_s + 4, answer_s + 5.5, 1, 1.0),
            Turn(back_s, back_s + 2, 1, 1.0),
        ]
    return turns


def values(measured) -> dict[str, float]:
    return {name: measure.value for name, measure in measured.items()}


def test_a_drawn_talk_has_the_measures_that_it_was_drawn_with():
    taking = measure_turns(rounds(), ROUNDS * ROUND_S)
    talk, first, second = values(taking.talk), values(taking.speakers[1]), values(taking.speakers[2])
    # Between rounds the first goes on after a pause of 4.8 s, so the floor changes twice a round.
    assert (talk["turns"], first["turns"], second["turns"]) == (13, 7, 6)
    assert (talk["responses"], talk["gaps"], talk["overlaps"]) == (12, 6, 6)
    assert talk["gap_median_s"] == pytest.approx(0.4)
    assert talk["overlap_median_s"] == pytest.approx(0.2)
    assert talk["response_mean_s"] == pytest.approx(0.1)
    assert talk["response_median_s"] == pytest.approx(0.1)
    assert second["response_median_s"] == pytest.approx(0.4)
    assert first["response_median_s"] == pytest.approx(-0.2)
    assert second["turn_mean_s"] == pytest.approx(8)
    assert second["turn_median_s"] == pytest.approx(8)
    assert first["turn_mean_s"] == pytest.approx((5 + 5 * (2 + 4.8 + 5) + 2) / 7)
    assert first["pauses"] == 11
    assert first["pause_median_s"] == pytest.approx(1)
    assert second["pauses"] == 0
    assert (first["backchannels"], second["backchannels"], talk["backchannels"]) == (6, 0, 6)
    assert (first["interruptions_unsuccessful"], second["interruptions_unsuccessful"]) == (6, 0)
    assert talk["interruptions_successful"] == 0
    assert first["speaking_share"] == pytest.approx(8 / 20)
    assert second["speech_share"] == pytest.approx(8 / 16)
    spoken_s = 4 + 8 + 2 - 0.2
    assert talk["silence_share"] == pytest.approx(1 - spoken_s / 20)
    assert talk["overlap_share"] == pytest.approx((0.5 + 1.5 + 0.2) / spoken_s)


def test_taken_floors_are_counted_of_who_takes_them():
    taking = measure_turns(rounds((-0.6, -0.2)), ROUNDS * ROUND_S)
    assert taking.speakers[2]["interruptions_successful"].value == 6
    assert taking.speakers[1]["interruptions_successful"].value == 0
    assert taking.talk["interruptions_successful"].value == 6


def test_the_order_of_turns_is_no_matter():
    assert measure_turns(rounds()[::-1], 120.0) == measure_turns(rounds(), 120.0)


def test_each_declared_measure_has_a_value_or_a_reason():
    cases = [[], rounds(), [turn for turn in rounds() if turn.speaker == 1], rounds()[:4]]
    for turns in cases:
        taking = measure_turns(turns, 130.0)
        groups = [(Scope.TALK, taking.talk), *((Scope.SPEAKER, measured) for measured in taking.speakers.values())]
        for scope, measured in groups:
            assert list(measured) == [measure.name for measure in TURN_MEASURES if scope in measure.scopes]
            assert all((measure.value is None) != (measure.reason is None) for measure in measured.values())


def reasons(measured) -> set[str]:
    return {measure.reason.code for measure in measured.values() if measure.reason is not None}


def test_without_turns_nothing_is_told():
    taking = measure_turns([], 60.0)
    assert taking.speakers == {}
    assert {measure.value for measure in taking.talk.values()} == {None}
    assert reasons(taking.talk) == {"speakers.no_turns"}


def test_of_one_speaker_only_shares_are_told():
    taking = measure_turns([Turn(1, 4, 1, 1.0), Turn(5, 8, 1, 1.0)], 10.0)
    told = {name for name, value in {**values(taking.talk), **values(taking.speakers[1])}.items() if value is not None}
    assert told == {"silence_share", "speaking_share"}
    assert taking.talk["silence_share"].value == pytest.approx(0.4)
    assert reasons(taking.talk) == reasons(taking.speakers[1]) == {"speakers.one_speaker"}


def test_few_events_have_a_number_and_no_middle():
    taking = measure_turns(rounds()[:4], 20.0)
    assert taking.talk["gaps"].value == 1
    gap = taking.talk["gap_median_s"]
    assert (gap.value, gap.reason.code, gap.events) == (None, "speakers.few_events", 1)


def test_microphones_that_hear_each_other_tell_no_turns():
    both = [Turn(k, k + 0.9, speaker, 1.0) for k in range(30) for speaker in (1, 2)]
    assert reasons(measure_turns(both, 30.0, is_by_part=True).talk) == {"speakers.crosstalk"}
    assert measure_turns(both, 30.0, is_by_part=True).talk["silence_share"].value is None
    assert measure_turns(both, 30.0).talk["overlap_share"].value == pytest.approx(1)
    assert measure_turns(rounds(), 120.0, is_by_part=True).talk == measure_turns(rounds(), 120.0).talk


def test_it_is_said_that_voices_tell_changes_of_the_floor_roughly():
    assert [warning.code for warning in measure_turns(rounds(), 120.0).warnings] == ["speakers.by_voices"]
    assert measure_turns(rounds(), 120.0, is_by_part=True).warnings == ()
    assert measure_turns([], 120.0).warnings == ()


@pytest.mark.parametrize("duration_s", [0.0, -1.0, math.nan, math.inf, 115.0])
def test_a_length_that_cannot_be_is_refused(duration_s):
    with pytest.raises(ValueError, match="cannot have turns that end at"):
        measure_turns(rounds(), duration_s)
