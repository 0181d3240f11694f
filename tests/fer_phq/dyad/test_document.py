"""The measures of two people as JSON."""

from __future__ import annotations

import json

import numpy as np

from fer_phq.dyad.answers import Coincidence
from fer_phq.dyad.document import dyad_document
from fer_phq.dyad.measures import DyadMeasures
from fer_phq.dyad.synchrony import synchrony
from training.simulation.behaviour.dyads import simulate_dyads


def test_measures_are_rounded_and_missing_ones_are_null() -> None:
    ((first,), (second,)) = simulate_dyads(np.random.default_rng(1), 1, 6.0)
    head = synchrony(first, second)
    assert head is not None
    looking = Coincidence(share=1 / 3, chance=0.25, p=0.012345, cases=61.2)
    document = dyad_document(DyadMeasures(head, None, None, None, looking))
    assert document["looking"] == {"share": 0.3333, "chance": 0.25, "p": 0.0123, "cases": 61.2}
    assert document["face"] is None
    assert document["head"]["windows"] == 12
    assert document["head"]["effect"] == round(head.effect, 4)
    assert document["head"]["lag_s"] is None
    assert json.loads(json.dumps(document)) == document
