"""Who counts as dead: whose signs of life have stopped, whatever the clocks say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db.records import WorkerRecord
from service.jobs.life_signs import LifeSigns

NOW = datetime(2026, 5, 6, tzinfo=UTC)


class Clock:
    """A steady clock that is put forward by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sign(seconds: float, pid: int = 1, name: str = "w-1") -> WorkerRecord:
    return WorkerRecord(name, "host", pid, NOW, NOW + timedelta(seconds=seconds))


def looks(signs: LifeSigns, clock: Clock, *workers: WorkerRecord, times: int, every_s: float = 10) -> set[str]:
    living: set[str] = set()
    for _ in range(times):
        clock.seconds += every_s
        living = signs.living(workers)
    return living


def test_who_is_silent_for_the_timeout_is_dead(clock: Clock) -> None:
    signs = LifeSigns(30, clock)
    assert signs.living([sign(0)]) == {"w-1"}
    assert looks(signs, clock, sign(0), times=2) == {"w-1"}
    assert looks(signs, clock, sign(0), times=1) == set()
    assert looks(signs, clock, sign(5), times=1) == {"w-1"}, "it was only slow"


@pytest.mark.parametrize("ahead_s", [-86400, -40, 40, 86400])
def test_a_clock_that_is_wrong_kills_nobody_and_keeps_nobody_alive(clock: Clock, ahead_s: float) -> None:
    signs = LifeSigns(30, clock)
    for beat in range(20):
        assert looks(signs, clock, sign(ahead_s + 10 * beat), times=1) == {"w-1"}
    assert looks(signs, clock, sign(ahead_s + 190), times=3) == set()


def test_a_clock_that_jumps_back_is_a_sign_like_any_other(clock: Clock) -> None:
    signs = LifeSigns(30, clock)
    assert looks(signs, clock, sign(0), times=1) == {"w-1"}
    assert looks(signs, clock, sign(-3600), times=3) == {"w-1"}
    assert looks(signs, clock, sign(-3600), times=1) == set()


def test_silence_while_the_observer_was_away_is_nobodys_death(clock: Clock) -> None:
    signs = LifeSigns(30, clock)
    signs.living([sign(0)])
    assert looks(signs, clock, sign(0), times=1, every_s=600) == {"w-1"}
    assert looks(signs, clock, sign(600), times=1) == {"w-1"}


def test_a_restarted_worker_of_the_same_name_lives(clock: Clock) -> None:
    signs = LifeSigns(30, clock)
    assert looks(signs, clock, sign(0), times=4) == set()
    assert looks(signs, clock, sign(0, pid=2), times=1) == {"w-1"}
    assert looks(signs, clock, times=1) == set()
