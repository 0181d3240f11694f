"""Groups of vectors: how alike they are, and who was heard beside whom."""

from __future__ import annotations

import numpy as np
import pytest

from fer_phq.speakers.clustering import MOST_VECTORS, Voices, group_voices

SIZE = 64


def vectors(centre: np.ndarray, count: int, cosine: float, rng: np.random.Generator) -> np.ndarray:
    """Unit vectors around a centre, whose mean cosine with each other is as given."""
    noise = rng.normal(size=(count, SIZE))
    noise -= np.outer(noise @ centre, centre)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    return np.sqrt(cosine) * centre + np.sqrt(1 - cosine) * noise


def centres(cosine: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.linalg.qr(rng.normal(size=(SIZE, 2)))[0].T
    return first, cosine * first + np.sqrt(1 - cosine**2) * second


def voices(parts: list[np.ndarray], windows: list[np.ndarray], alone_s: float = 3.0) -> tuple[Voices, np.ndarray]:
    """Vectors of people, and who they are, by window."""
    every, window = np.concatenate(parts), np.concatenate(windows)
    person = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = np.argsort(window, kind="stable")
    return Voices(every[order].astype(np.float16), np.full(len(every), alone_s), window[order]), person[order]


def test_voices_that_differ_are_two_people_wherever_they_are_heard():
    rng = np.random.default_rng(0)
    first, second = centres(0.4, rng)
    people, person = voices(
        [vectors(first, 30, 0.9, rng), vectors(second, 12, 0.9, rng)], [np.arange(30), 100 + np.arange(12)]
    )
    speakers = group_voices(people, 8)
    assert speakers.speaker_of.tolist() == person.tolist()
    assert speakers.centres @ np.stack([first, second]).T == pytest.approx(np.array([[1, 0.4], [0.4, 1]]), abs=0.05)


def test_voices_that_are_alike_are_two_people_where_they_are_heard_beside_each_other():
    rng = np.random.default_rng(1)
    first, second = centres(0.94, rng)
    parts = [vectors(first, 30, 0.95, rng), vectors(second, 30, 0.95, rng)]
    beside, person = voices(parts, [np.arange(30), np.arange(30)])
    assert abs(np.mean(group_voices(beside, 2).speaker_of == person) - 0.5) == pytest.approx(0.5)
    apart, _ = voices(parts, [np.arange(30), 100 + np.arange(30)])
    assert set(group_voices(apart, 2).speaker_of) == {0}


def test_a_voice_that_varies_is_one_person():
    rng = np.random.default_rng(2)
    first, _ = centres(0.0, rng)
    people, _ = voices([vectors(first, 80, 0.82, rng)], [np.arange(80)])
    speakers = group_voices(people, 8)
    assert set(speakers.speaker_of) == {0}
    assert len(speakers.centres) == 1


def test_a_cough_is_no_speaker():
    rng = np.random.default_rng(3)
    first, second = centres(0.1, rng)
    people, _ = voices(
        [vectors(first, 30, 0.9, rng), vectors(second, 1, 0.9, rng)], [np.arange(30), np.array([99])], 1.5
    )
    assert set(group_voices(people, 8).speaker_of) == {0}


def test_no_more_than_so_many_speakers():
    rng = np.random.default_rng(4)
    basis = np.linalg.qr(rng.normal(size=(SIZE, 4)))[0].T
    people, _ = voices([vectors(centre, 20, 0.9, rng) for centre in basis], [20 * k + np.arange(20) for k in range(4)])
    assert [len(set(group_voices(people, most).speaker_of)) for most in (1, 2, 3, 4, 8)] == [1, 2, 3, 4, 4]


def test_of_hours_all_voices_have_a_speaker():
    rng = np.random.default_rng(5)
    first, second = centres(0.4, rng)
    count = 2 * MOST_VECTORS
    people, person = voices([vectors(first, count, 0.9, rng), vectors(second, count, 0.9, rng)], 2 * [np.arange(count)])
    labels = group_voices(people, 2).speaker_of
    assert len(labels) == 2 * count
    assert abs(np.mean(labels == person) - 0.5) == pytest.approx(0.5)
