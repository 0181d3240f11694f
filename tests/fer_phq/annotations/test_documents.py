"""Annotations as ELAN, Praat, BORIS and BIDS have them, read by libraries that know the formats."""

from __future__ import annotations

import csv
import io
import itertools
import json
from pathlib import Path

import pandas as pd
import pytest
from pympi import Eaf, Praat

from fer_phq.annotations.elan import eaf
from fer_phq.annotations.praat import textgrid
from fer_phq.annotations.tables import BORIS_COLUMNS, bids_events, bids_sidecar, boris_csv
from fer_phq.annotations.tiers import Annotation, CodedRecording, Tier, split_overlaps

SMILE = Tier(
    "smile",
    (Annotation(4.0, 6.25, "peak 80%"), Annotation(1.5, 3.0, "peak\n60%"), Annotation(3.0, 3.5, 'a "b"')),
    "face",
)
SPEECH = Tier("P01", (Annotation(0.0, 5.0, "I am =fine"), Annotation(4.0, 6.0, "yes\x0b")), "transcript")
NOTE = Tier("note: cried", (Annotation(2.0, 2.0, "=1+1"), Annotation(2.0, 2.0004, "again")), "notes")
RECORDING = CodedRecording("session-1", 10.0, (SMILE, SPEECH, NOTE), "fer-phq <1>")
EMPTY = CodedRecording("session-2", 0.0, (), "fer-phq")


@pytest.fixture
def elan(tmp_path: Path) -> Eaf:
    (tmp_path / "a.eaf").write_text(eaf(RECORDING), encoding="utf-8")
    return Eaf(str(tmp_path / "a.eaf"))


@pytest.fixture
def grid(tmp_path: Path) -> Praat.TextGrid:
    (tmp_path / "a.TextGrid").write_text(textgrid(RECORDING), encoding="utf-8")
    return Praat.TextGrid(str(tmp_path / "a.TextGrid"))


def test_elan_has_each_annotation_once_and_none_overlaps(elan: Eaf) -> None:
    assert set(elan.get_tier_names()) == {"smile", "P01", "P01 (2)", "note: cried", "note: cried (2)"}
    assert sorted(elan.get_annotation_data_for_tier("smile")) == [
        (1500, 3000, "peak 60%"),
        (3000, 3500, 'a "b"'),
        (4000, 6250, "peak 80%"),
    ]
    assert elan.get_annotation_data_for_tier("P01") == [(0, 5000, "I am =fine")]
    assert elan.get_annotation_data_for_tier("P01 (2)") == [(4000, 6000, "yes")]


def test_a_moment_lasts_a_millisecond_in_elan(elan: Eaf) -> None:
    both = [elan.get_annotation_data_for_tier(f"note: cried{end}")[0] for end in ("", " (2)")]
    assert sorted(both) == [(2000, 2001, "=1+1"), (2000, 2001, "again")]


def test_praat_has_intervals_without_gaps_and_points(grid: Praat.TextGrid) -> None:
    assert [tier.name for tier in grid.get_tiers()] == ["smile", "P01", "P01 (2)", "note: cried"]
    for name in ("smile", "P01", "P01 (2)"):
        intervals = list(grid.get_tier(name).get_all_intervals())
        assert all(before[1] == after[0] for before, after in itertools.pairwise(intervals))
        assert (intervals[0][0], intervals[-1][1]) == (0, 10)
    spoken = [interval for interval in grid.get_tier("smile").get_all_intervals() if interval[2]]
    assert [(start, stop) for start, stop, _ in spoken] == [(1.5, 3.0), (3.0, 3.5), (4.0, 6.25)]
    point = grid.get_tier("note: cried")
    assert point.tier_type == "TextTier"
    assert list(point.get_intervals()) == [(2.0, "=1+1; again")]


def test_boris_has_states_and_points_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(boris_csv(RECORDING))))
    assert tuple(rows[0]) == BORIS_COLUMNS
    assert [row["Start (s)"] for row in rows] == ["0.0", "1.5", "2.0", "2.0", "3.0", "4.0", "4.0"]
    first, note = rows[0], rows[2]
    assert (first["Behavior"], first["Behavior type"], first["Duration (s)"]) == ("P01", "STATE", "5.0")
    assert (note["Behavior type"], note["Duration (s)"], note["Comment start"]) == ("POINT", "0.0", "'=1+1")
    assert {row["Behavioral category"] for row in rows} == {"face", "transcript", "notes"}


def test_bids_has_onsets_in_order_and_a_sidecar_that_knows_every_column() -> None:
    table = pd.read_csv(io.StringIO(bids_events(RECORDING)), sep="\t", na_values="n/a")
    sidecar = json.loads(bids_sidecar(RECORDING))
    assert list(table.columns[:2]) == ["onset", "duration"]  # the standard's order
    assert set(table.columns) <= set(sidecar)
    assert set(table.trial_type) == set(sidecar["trial_type"]["Levels"])
    assert table.onset.is_monotonic_increasing
    assert table.duration.min() == 0
    assert table[table.trial_type == "smile"].duration.sum() == pytest.approx(1.5 + 0.5 + 2.25)
    assert len(table) == 7


def test_a_recording_without_annotations_is_a_valid_document(tmp_path: Path) -> None:
    (tmp_path / "a.eaf").write_text(eaf(EMPTY), encoding="utf-8")
    (tmp_path / "a.TextGrid").write_text(textgrid(EMPTY), encoding="utf-8")
    assert Eaf(str(tmp_path / "a.eaf")).get_tier_names() == {}.keys()
    (tier,) = Praat.TextGrid(str(tmp_path / "a.TextGrid")).get_tiers()
    assert list(tier.get_all_intervals()) == [(0, 0.001, "")]
    assert list(csv.DictReader(io.StringIO(boris_csv(EMPTY)))) == []
    assert bids_events(EMPTY).count("\n") == 1


def test_an_annotation_that_begins_where_another_ends_is_in_its_row() -> None:
    rows = split_overlaps(
        [Annotation(1, 2, "b"), Annotation(0, 1, "a"), Annotation(0.5, 1.5, "c"), Annotation(1.2, 3, "d")]
    )
    assert [[annotation.label for annotation in row] for row in rows] == [["a", "b"], ["c"], ["d"]]


def test_two_tiers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="names of their own"):
        CodedRecording("a", 1.0, (SMILE, SMILE), "")
