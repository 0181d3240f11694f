"""What is written for ELAN, Praat and BORIS, and what libraries of these formats write, is read as it was."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pympi import Eaf, Praat

from fer_phq.annotations.elan import eaf
from fer_phq.annotations.praat import textgrid
from fer_phq.annotations.readers import parse_annotations, read_annotations
from fer_phq.annotations.tables import boris_csv
from fer_phq.annotations.tiers import Annotation, CodedRecording, Tier

SMILE = Tier("smile", (Annotation(1.5, 3.0, "peak 60%"), Annotation(4.0, 6.25, 'a "b" ß')), "face")
SPEECH = Tier("P01", (Annotation(0.0, 5.0, "=fine"), Annotation(4.0, 6.0, "yes")), "transcript")
NOTE = Tier("note: cried", (Annotation(2.0, 2.0, "first"), Annotation(9.999, 9.999, "last")), "notes")
RECORDING = CodedRecording("session-1", 10.0, (SMILE, SPEECH, NOTE), "fer-phq <1>")


def spans(tiers: tuple[Tier, ...]) -> dict[str, list[Annotation]]:
    """The annotations of each tier, by time."""
    return {tier.name: sorted(tier.annotations) for tier in tiers}


SPLIT = {
    "smile": sorted(SMILE.annotations),
    "P01": [SPEECH.annotations[0]],
    "P01 (2)": [SPEECH.annotations[1]],
    "note: cried": sorted(NOTE.annotations),
}
"""ELAN and Praat have a further tier for what overlaps."""


def test_elan() -> None:
    coded = parse_annotations(eaf(RECORDING).encode(), duration_s=10.0)
    assert (coded.format, coded.codes_by_tier, coded.duration_s, coded.warnings) == ("ELAN", False, None, ())
    assert spans(coded.tiers) == SPLIT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_praat(encoding: str) -> None:
    coded = parse_annotations(textgrid(RECORDING).encode(encoding))
    assert (coded.format, coded.codes_by_tier, coded.duration_s, coded.warnings) == ("Praat", False, 10.0, ())
    assert spans(coded.tiers) == SPLIT


def test_boris() -> None:
    coded = parse_annotations(boris_csv(RECORDING).encode())
    assert (coded.format, coded.codes_by_tier, coded.duration_s, coded.warnings) == ("BORIS", True, 10.0, ())
    assert spans(coded.tiers) == spans(RECORDING.tiers)
    assert {tier.name: tier.category for tier in coded.tiers} == {tier.name: tier.category for tier in RECORDING.tiers}


def test_boris_saved_again_by_pandas(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(boris_csv(RECORDING), encoding="utf-8")
    pd.read_csv(tmp_path / "a.csv").to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    assert spans(read_annotations(tmp_path / "a.tsv").tiers) == spans(RECORDING.tiers)


@pytest.mark.parametrize("mode", ["normal", "short"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_a_textgrid_that_pympi_writes(mode: str, codec: str, tmp_path: Path) -> None:
    grid = Praat.TextGrid(xmin=0, xmax=20)
    tier = grid.add_tier("mimik", "IntervalTier")
    tier.add_interval(1.25, 2.5, 'lächelt "breit"')
    tier.add_interval(3.0, 3.75, "smile\nagain ! 7")
    points = grid.add_tier("nods", "TextTier")
    points.add_point(12.5, "nod")
    grid.to_file(str(tmp_path / "a.TextGrid"), codec=codec, mode=mode)
    coded = read_annotations(tmp_path / "a.TextGrid")
    assert coded.duration_s == 20
    assert spans(coded.tiers) == {
        "mimik": [Annotation(1.25, 2.5, 'lächelt "breit"'), Annotation(3.0, 3.75, "smile again ! 7")],
        "nods": [Annotation(12.5, 12.5, "nod")],
    }


def test_a_document_that_pympi_writes(tmp_path: Path) -> None:
    document = Eaf()
    document.add_linguistic_type("coding")
    document.add_linguistic_type("association", constraints="Symbolic_Association")
    document.add_tier("mimik", "coding")
    document.add_tier("valence", "association", parent="mimik")
    document.add_annotation("mimik", 1250, 2500, "lächelt & nickt")
    document.add_annotation("mimik", 3000, 3750, "weint")
    document.add_ref_annotation("valence", "mimik", 1300, "positive")
    document.to_file(str(tmp_path / "a.eaf"))
    coded = read_annotations(tmp_path / "a.eaf")
    assert spans(coded.tiers) == {
        "default": [],
        "mimik": [Annotation(1.25, 2.5, "lächelt & nickt"), Annotation(3.0, 3.75, "weint")],
        "valence": [Annotation(1.25, 2.5, "positive")],
    }
