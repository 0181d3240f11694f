"""Which tracks are of one person, who is the subject, and what cannot be told."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from fer_phq.faces import Recognition, Tracker, TrackStats, choose_subject, link_persons, same_person, uncertain_tracks

Vector = npt.NDArray[np.float32]


def stats(
    track: int, first_s: float, last_s: float, looks: Vector | None = None, company: frozenset[int] | None = None
) -> TrackStats:
    recognition = None if looks is None else Recognition(looks, 1)
    return TrackStats(track, int((last_s - first_s) * 2) + 1, first_s, last_s, 0.05, 0.8, recognition, company)


def unit(seed: int, near: Vector | None = None, distance: float = 0.25) -> Vector:
    values = np.random.default_rng(seed).normal(size=128)
    values = values / np.linalg.norm(values)
    return (values if near is None else near + distance * values).astype(np.float32)


def test_who_was_alone_and_comes_back_is_the_same_person() -> None:
    me = unit(1)
    tracks = [stats(0, 0, 20, me), stats(1, 40, 60, unit(2, me)), stats(2, 70, 71, unit(3, me))]
    assert same_person(tracks, 0) == {0, 1, 2}
    assert same_person(tracks, 2) == {0, 1, 2}


def test_who_was_in_view_together_is_not() -> None:
    tracks = [stats(0, 0, 20, unit(1)), stats(1, 10, 60, unit(1))]
    assert same_person(tracks, 0) == {0}
    turns = [stats(0, 0, 20, unit(1), frozenset()), stats(1, 10, 60, unit(1), frozenset())]
    assert same_person(turns, 0) == {0, 1}  # they overlap in time, and were never in one frame


def test_without_looks_nobody_is_joined_when_it_could_be_another() -> None:
    tracks = [stats(0, 0, 20), stats(1, 5, 15), stats(2, 40, 60)]
    assert same_person(tracks, 0) == {0}
    assert same_person([stats(0, 0, 20), stats(2, 40, 60)], 0) == {0}  # somebody else may have sat down


def test_looks_decide_between_two_who_left() -> None:
    anna, ben = unit(1), unit(2)
    tracks = [stats(0, 0, 20, anna), stats(1, 0, 20, ben), stats(2, 40, 60, unit(3, anna)), stats(3, 40, 60, ben)]
    assert same_person(tracks, 0) == {0, 2}
    assert same_person(tracks, 1) == {1, 3}


def test_somebody_who_looks_different_is_not_joined_even_alone() -> None:
    assert same_person([stats(0, 0, 20, unit(1)), stats(1, 40, 60, unit(2))], 0) == {0}


def test_a_chain_of_likenesses_does_not_join_its_ends() -> None:
    anna = unit(1)
    between, ben = unit(2, anna, 0.44), unit(2, anna, 0.88)
    tracks = [stats(0, 0, 9, anna), stats(1, 20, 24, between), stats(2, 40, 49, ben)]
    persons = link_persons(tracks)
    assert len(persons) == 2
    assert same_person(tracks, 0) != same_person(tracks, 2)


def test_more_crops_do_not_bring_two_people_together() -> None:
    anna, alike = unit(1), unit(2, unit(1), 0.46)
    for crops in (1, 4, 400):
        tracks = [
            TrackStats(0, 10, 0, 9, 0.05, 0.8, Recognition(anna, crops)),
            TrackStats(1, 10, 20, 29, 0.05, 0.8, Recognition(alike, crops)),
        ]
        assert link_persons(tracks) == ((0,), (1,))


def test_persons_are_a_partition_of_the_tracks_the_subject_first() -> None:
    me, you = unit(1), unit(2)
    tracks = [stats(0, 0, 20, you), stats(1, 0, 10, me), stats(2, 25, 60, me), stats(3, 70, 71, unit(3))]
    persons = link_persons(tracks)
    assert persons == ((2, 1), (0,), (3,))
    assert choose_subject(tracks) == persons[0][0]
    for ids in persons:
        assert all(same_person(tracks, i) == set(ids) for i in ids)


def test_no_tracks_no_subject() -> None:
    assert link_persons([]) == ()
    assert choose_subject([]) is None
    assert Tracker().tracks() == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (TrackStats(0, 100, 0, 50, 0.05, 0.8), TrackStats(1, 20, 0, 10, 0.05, 0.8)),  # longest
        (TrackStats(0, 100, 0, 50, 0.20, 0.8), TrackStats(1, 120, 0, 60, 0.02, 0.8)),  # largest
        (TrackStats(0, 100, 0, 50, 0.05, 0.9), TrackStats(1, 100, 0, 50, 0.05, 0.3)),  # most central
        (TrackStats(0, 100, 0, 50, 0.05, 0.8), TrackStats(1, 100, 0, 50, 0.05, 0.8)),  # equal: the earlier
        (TrackStats(0, 5, 0, 50, 0.05, 0.8, shown_s=50), TrackStats(1, 80, 0, 9, 0.05, 0.8, shown_s=9)),  # longest
    ],
)
def test_the_subject_is_the_longest_largest_most_central(first: TrackStats, second: TrackStats) -> None:
    assert choose_subject([first, second]) == 0
    assert choose_subject([second, first]) == 0


def test_a_subject_who_leaves_often_outweighs_one_who_stays_less() -> None:
    me, you = unit(1), unit(2)
    mine = [stats(i, 30 * i, 30 * i + 15, me) for i in range(4)]
    tracks = [*mine, stats(9, 0, 40, you)]
    assert choose_subject(tracks) in {0, 1, 2, 3}
    assert same_person(tracks, choose_subject(tracks) or 0) == {0, 1, 2, 3}


def test_what_may_be_the_same_person_is_uncertain_and_not_joined() -> None:
    me = unit(1)
    tracks = [
        stats(0, 0, 20, me),
        stats(1, 30, 40, unit(2, me, 0.5)),  # between the bars
        stats(2, 50, 60),  # never seen well enough
        stats(3, 50, 60, unit(3)),  # somebody else
        stats(4, 10, 15, unit(4, me, 0.5)),  # in view together
        stats(5, 70, 70, unit(5, me, 0.5)),  # a single frame
    ]
    assert same_person(tracks, 0) == {0}
    assert uncertain_tracks(tracks, frozenset({0})) == (1, 2)


@pytest.mark.slow
def test_many_tracks_are_linked_in_little_time() -> None:
    people = [unit(i) for i in range(20)]
    tracks = [stats(i, 3 * i, 3 * i + 2, unit(i + 100, people[i % 20])) for i in range(600)]
    assert sorted(map(len, link_persons(tracks))) == [30] * 20
