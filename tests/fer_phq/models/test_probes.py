"""Probes tell a network that answers otherwise here from one that answers as where it was made."""

import dataclasses
import hashlib

import numpy as np
import pytest

from fer_phq.models.checkpoint import Quantization
from fer_phq.models.model import load_model
from fer_phq.models.probes import BETWEEN_MACHINES, answer_probes, compare_probes, make_probes


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def made(model):
    """A description as it is kept, of this very model."""
    rows = tuple(tuple(round(float(share), 5) for share in row) for row in answer_probes(model))
    return Quantization("int8", 512, 100, 0.8, 0.8, -0.01, 0.01, 0.99, 0.01, 0.05, rows)


def test_probes_are_the_same_bytes_for_ever():
    probes = make_probes(48)
    assert (probes.shape, probes.dtype) == ((16, 48, 48, 3), np.uint8)
    assert hashlib.sha256(probes.tobytes()).hexdigest().startswith("8a3e3520367b057a")


def test_the_machine_that_made_a_network_answers_as_itself(model, made):
    assert compare_probes(model, made) < 1e-4 < BETWEEN_MACHINES


def test_another_answer_is_found(model, made):
    rows = [list(row) for row in made.probes]
    rows[7][3] += 0.01
    moved = dataclasses.replace(made, probes=tuple(map(tuple, rows)))
    assert compare_probes(model, moved) == pytest.approx(0.01, abs=1e-4)
    assert compare_probes(model, dataclasses.replace(made, probes=made.probes[:3])) == float("inf")
    assert compare_probes(model, dataclasses.replace(made, probes=())) == float("inf")
