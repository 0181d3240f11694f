"""Evidence on a head, as a report holds it."""

import json

import pytest

from fer_phq.core.messages import literal
from fer_phq.models.evidence.controls import Control, ControlFigures, ControlName
from fer_phq.models.evidence.fields import Bounded
from fer_phq.models.evidence.record import (
    Evidence,
    Gap,
    GroupCoverage,
    ModelRank,
    Shift,
    evidence_from_json,
    evidence_to_json,
)

BAND = GroupCoverage("score", "10 to 14", 9, 8, Bounded(0.75, 0.5, 0.875), 14.5)
SITE = Shift("face", 12, 0.375, 0.125, ("face.level.1.mean +0.8 SD",), Bounded(2, 0.5, 3.5))
BEYOND = Bounded(0.5, 0.25, 0.625)


def figures(beyond):
    ccc = Bounded(0.25, 0.125, 0.5)
    above_mean = Bounded(0.5, 0.25, 0.75)
    return ControlFigures(40, 20, ("age", "sex"), 4.5, 5.5, ccc, 4.5, above_mean, Bounded(1, 0.5, 1.5), beyond)


def evidence(**parts):
    controls = (
        Control(ControlName.GROUP, figures(BEYOND)),
        Control(ControlName.SHUFFLED, figures(None)),
        Control(ControlName.INTERVIEWER, missing=literal("Nobody else speaks.")),
    )
    gap = Gap("face+voice", 8, 3.5, 4.5, Bounded(1, -0.5, 2.5))
    usual = {"subjects": 60, "ccc": BEYOND, "above_mean": Bounded(1, 0.5, 1.5), "controls": controls}
    return Evidence(
        **{
            **usual,
            "ranking": (ModelRank("ridge", 0.75),),
            "gaps": (gap,),
            "coverage": (BAND,),
            "shifts": (SITE,),
            **parts,
        }
    )


@pytest.mark.parametrize(
    "kept",
    [
        evidence(),
        evidence(gaps=(), gap_missing=literal("Too few."), shifts=(), shift_missing=literal("Few."), ranking=()),
    ],
)
def test_evidence_is_read_as_it_was_written(kept):
    assert evidence_from_json(json.loads(json.dumps(evidence_to_json(kept)))) == kept


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda fields: fields.update(above_mean=None), TypeError),
        (lambda fields: fields.pop("controls"), KeyError),
        (lambda fields: fields["controls"][0].update(name="weather"), ValueError),
        (lambda fields: fields["controls"][0].update(head_gain=None), TypeError),
        (lambda fields: fields["controls"][0]["beyond"].update(low=float("nan")), ValueError),
        (lambda fields: fields["controls"][0].update(sessions=-1), ValueError),
        (lambda fields: fields["ranking"][0].update(first=1.5), ValueError),
        (lambda fields: fields.update(gaps={}), TypeError),
        (lambda fields: fields.update(level=90), ValueError),
        (lambda fields: fields["shifts"][0].update(p=2), ValueError),
        (lambda fields: fields["coverage"][0].update(covered=None), TypeError),
        (lambda fields: fields["gaps"][0].update(difference=None), TypeError),
    ],
)
def test_damaged_evidence_is_refused(change, error):
    fields = evidence_to_json(evidence())
    change(fields)
    with pytest.raises(error):
        evidence_from_json(fields)
