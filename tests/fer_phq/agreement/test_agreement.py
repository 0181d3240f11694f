"""Agreement of coders' files: what is computed, and what is said of files that do not go together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from analysis_samples import sample_analysis
from sklearn.metrics import cohen_kappa_score

from fer_phq.agreement.document import agreement_document
from fer_phq.agreement.measuring import Agreement, CodeAgreement, measure_agreement
from fer_phq.agreement.model import analysis_tiers, read_coder
from fer_phq.agreement.points import match, tally_points
from fer_phq.agreement.scheme import AgreementError, Kind, Labels, join_files
from fer_phq.agreement.units import Grid, choice, tally
from fer_phq.annotations.readers import AnnotationFile, UnusableFile
from fer_phq.annotations.tiers import Annotation, Tier
from fer_phq.core.errors import FerPhqError
from fer_phq.pipeline.document import analysis_document
from fer_phq.timeline.episodes import EXPRESSIONS

Spans = list[tuple[float, float]]
BUSY: Spans = [(10.0 * n, 10.0 * n + 1 + n % 3) for n in range(30)]
"""Thirty states in five minutes."""


def coder(length_s: float | None = 300.0, *, group: str = "", is_list: bool = True, **codes: Spans) -> AnnotationFile:
    tiers = tuple(Tier(name, tuple(Annotation(*span, "") for span in spans), group) for name, spans in codes.items())
    return AnnotationFile("BORIS", tiers, True, is_list, length_s)


def elan(**tiers: list[tuple[float, float, str]]) -> AnnotationFile:
    return AnnotationFile("ELAN", tuple(Tier(name, tuple(Annotation(*row) for row in t)) for name, t in tiers.items()))


def measure(*files: AnnotationFile, **options: float) -> Agreement:
    names = dict(zip(("Ann", "Ben", "Cleo"), files, strict=False))
    return measure_agreement(join_files(names), **options)


def by_code(agreement: Agreement) -> dict[str, CodeAgreement]:
    return {code.code.name: code for code in agreement.codes}


def moved(spans: Spans, seconds: float) -> Spans:
    return [(start_s + seconds, end_s + seconds) for start_s, end_s in spans]


def test_without_a_tolerance_the_kappa_of_states_is_that_of_their_units() -> None:
    other = moved(BUSY, 0.7)[:-2]
    agreement = measure(coder(smile=BUSY), coder(smile=other), tolerance_s=0.0)
    middles = (np.arange(3000) + 0.5) / 10
    one, two = (np.array([any(s <= t < e for s, e in spans) for t in middles]) for spans in (BUSY, other))
    smile = by_code(agreement)["smile"]
    assert smile.kappa.value == pytest.approx(cohen_kappa_score(one, two))
    assert smile.specific.value == pytest.approx(2 * (one & two).sum() / (one.sum() + two.sum()))
    assert [amount.count for amount in smile.amounts] == [30, 28]
    assert [amount.seconds for amount in smile.amounts] == pytest.approx([60.0, 55.0], abs=0.2)
    assert smile.kappa.low < smile.kappa.value < smile.kappa.high


def test_a_tolerance_forgives_what_is_as_near_and_no_more() -> None:
    codes = coder(smile=[(10.0, 14.0), (30.0, 34.0)])
    near = measure(codes, coder(smile=[(10.4, 14.4), (29.6, 34.0)]), tolerance_s=0.5)
    far = measure(codes, coder(smile=[(10.6, 14.6), (29.4, 34.0)]), tolerance_s=0.5)
    assert by_code(near)["smile"].kappa.value == 1.0
    assert by_code(far)["smile"].kappa.value < 1.0
    backwards = measure(coder(smile=[(10.6, 14.6), (29.4, 34.0)]), codes, tolerance_s=0.5)
    assert by_code(backwards)["smile"].kappa == by_code(far)["smile"].kappa


def test_a_tally_with_tolerance_counts_each_side() -> None:
    grid = Grid(6.0, 1.0, 6.0, 1.0)
    one, other = np.array([0, 1, 1, 0, 0, 0]), np.array([0, 0, 1, 1, 1, 0])
    tallies = tally(one, other, 2, grid, np.ones(6, bool))[0]
    # The first's unit 3 has no 0 near it in the other, and the other's unit 4 no 1 in the first.
    assert tallies.tolist() == [[6.0, 2.0], [0.0, 4.0]]
    alone = tally(one, other, 2, Grid(6.0, 1.0, 6.0, 0.0), np.ones(6, bool))[0]
    assert alone.tolist() == [[4.0, 4.0], [2.0, 2.0]]


def test_three_coders_without_tolerance_have_fleiss_kappa() -> None:
    generator = np.random.default_rng(3)
    ratings = np.where(
        generator.random((3, 300)) < 0.6, generator.integers(0, 2, 300), generator.integers(0, 2, (3, 300))
    )
    spans = [[(float(t), t + 1.0) for t in np.flatnonzero(row)] for row in ratings]
    agreement = measure(*(coder(smile=own) for own in spans), tolerance_s=0.0, unit_s=1.0)
    counts = np.stack([(ratings == value).sum(0) for value in (0, 1)], 1)
    shares = counts.sum(0) / counts.sum()
    observed = ((counts**2).sum(1) - 3).mean() / 6  # Fleiss 1971, formulas 2 to 6
    expected = (shares**2).sum()
    assert by_code(agreement)["smile"].kappa.value == pytest.approx((observed - expected) / (1 - expected))
    assert [pair.coders for pair in agreement.pairs] == [("Ann", "Ben"), ("Ann", "Cleo"), ("Ben", "Cleo")]
    first = by_code(measure(coder(smile=spans[0]), coder(smile=spans[1]), tolerance_s=0.0, unit_s=1.0))["smile"]
    assert agreement.pairs[0].codes[0] == first


def test_points_are_matched_once_each_within_the_tolerance() -> None:
    assert match([1.0, 1.4, 9.0], [0.6, 1.5, 2.0], 0.5) == [(0, 0), (1, 1)]
    grid = Grid(60.0, 0.1, 60.0, 0.5)
    one = {"nod": [1.0, 5.0, 20.0], "shake": [30.0]}
    other = {"nod": [1.4, 5.6], "shake": [20.2, 30.0]}
    assert tally_points(one, other, ["nod", "shake"], grid)[0].tolist() == [[1, 1, 1], [0, 1, 0], [1, 0, 0]]


def test_points_have_specific_agreement_and_no_kappa_of_one_code() -> None:
    nods: Spans = [(float(t), float(t)) for t in range(5, 300, 10)]
    nod = by_code(measure(coder(nod=nods), coder(nod=[*moved(nods[:20], 0.3), (299.0, 299.0)])))["nod"]
    assert nod.code.kind is Kind.POINT
    assert nod.specific.value == pytest.approx(2 * 20 / (30 + 21))
    assert (nod.kappa.value, str(nod.kappa.reason)[:18]) == (None, "a kappa of points ")
    assert nod.icc.value is not None


def test_several_codes_are_one_choice_unless_they_overlap() -> None:
    frown = moved(BUSY, 5.0)
    together = measure(coder(group="face", smile=BUSY, frown=frown), coder(group="face", smile=BUSY[:25], frown=frown))
    (face,) = together.groups
    assert (face.name, set(face.codes)) == ("face", {"smile", "frown"})
    assert 0.9 < face.kappa.value < 1
    (face,) = measure(coder(smile=BUSY, frown=BUSY), coder(smile=BUSY, frown=frown)).groups
    assert (face.kappa.value, "overlap" in str(face.kappa.reason)) == (None, True)
    assert choice([np.array([True, False]), np.array([False, False])]).tolist() == [1, 0]


def test_the_labels_of_a_tier_are_codes_where_they_differ_and_that_is_said() -> None:
    one = elan(face=[(1, 2, "smile"), (4, 5, "frown")], nod=[(7, 7, "")])
    other = elan(face=[(1, 2, "smile")], nod=[(7, 7, "slow")])
    scheme = join_files({"Ann": one, "Ben": other})
    assert {(code.name, code.group) for code in scheme.codes} == {("smile", "face"), ("frown", "face"), ("nod", "")}
    said = " ".join(map(str, scheme.warnings))
    assert "labels of the tiers face differ and count as codes" in said
    assert "Ben never has what others code, which counts as never seen: frown (the codes of Ben: nod, smile)" in said
    remarks = join_files({"Ann": one, "Ben": other}, labels=Labels.REMARKS)
    assert [code.name for code in remarks.codes] == ["nod", "face"]
    shared = elan(left=[(1, 2, "yes"), (3, 4, "no")], right=[(1, 2, "yes"), (5, 6, "no")])
    names = {code.name for code in join_files({"Ann": shared, "Ben": shared}).codes}
    assert names == {"left: yes", "left: no", "right: yes", "right: no"}
    once = elan(left=[(1, 2, "yes"), (3, 4, "no")], right=[(5, 6, "no")])
    codes = by_code(measure(shared, once))
    assert codes.keys() == names
    assert codes["left: yes"].specific.value == 1.0
    assert [amount.count for amount in codes["right: yes"].amounts] == [1, 0]


def test_other_names_are_said_and_can_be_joined() -> None:
    files = {"Ann": coder(smile=BUSY, nod=BUSY), "Ben": coder(Smiling=BUSY, Nod=BUSY)}
    scheme = join_files(files)
    assert [code.name for code in scheme.codes] == ["nod"]
    said = [str(warning) for warning in scheme.warnings]
    assert "Ben does not have what others code, which is left out: smile (the codes of Ben: Nod, Smiling)" in said[0]
    assert "Ann does not have what others code, which is left out: Smiling" in said[1]
    joined = join_files(files, renames={"smiling": "smile"})
    assert {code.name for code in joined.codes} == {"smile", "nod"}
    assert [code.name for code in join_files(files, only=["NOD"]).codes] == ["nod"]
    with pytest.raises(AgreementError, match="No coder has a code 'wave'; the codes are: Nod, Smiling"):
        join_files(files, renames={"wave": "smile"})
    with pytest.raises(AgreementError, match="Ann: smile, Ben: Smiling"):
        join_files({"Ann": coder(smile=BUSY), "Ben": coder(Smiling=BUSY)})


def test_a_code_that_a_table_could_have_and_has_not_was_never_seen() -> None:
    agreement = measure(coder(smile=BUSY, frown=BUSY), coder(smile=BUSY, is_list=False))
    assert by_code(agreement)["frown"].kappa.value == pytest.approx(0.0)
    assert "Ben never has what others code, which counts as never seen: frown" in str(agreement.warnings[0])


@pytest.mark.parametrize(
    ("one", "other", "sentence"),
    [
        (coder(300.0, smile=BUSY), coder(360.0, smile=BUSY), "recording of 300.0 s and Ben of one of 360.0 s"),
        (coder(None, smile=[(1, 2)]), coder(None, smile=[(1000, 2000)]), "one counts milliseconds"),
        (coder(300.0, smile=[(1, 2)]), coder(None, smile=[(1000, 2000)]), "Ben has 'smile' at 2000.0 s"),
    ],
)
def test_files_of_two_recordings_are_refused(one: AnnotationFile, other: AnnotationFile, sentence: str) -> None:
    with pytest.raises(AgreementError) as error:
        join_files({"Ann": one, "Ben": other})
    assert sentence in str(error.value)


def test_what_is_assumed_is_said() -> None:
    said = " ".join(map(str, measure(coder(None, smile=BUSY), coder(None, smile=BUSY)).warnings))
    assert "taken to end with the last annotation, at 293.0 s" in said
    assert "Ann and Ben have exactly the same annotations" in said
    said = " ".join(map(str, measure(coder(smile=BUSY), coder(smile=moved(BUSY, 2.5))).warnings))
    assert "moved by -2.5 s (overlap 100% instead of" in said
    said = " ".join(map(str, measure(coder(smile=BUSY), coder(smile=[*BUSY[1:], (5.0, 5.04)])).warnings))
    assert "1 state of Ben lasts less than a time unit of 0.1 s" in said
    mixed = measure(coder(smile=BUSY), coder(smile=[(start_s, start_s) for start_s, _ in BUSY]))
    assert "'smile' is a point for one and has a length for another" in str(mixed.warnings[0])
    assert by_code(mixed)["smile"].specific.value == 1.0
    slip = measure(coder(smile=BUSY), coder(smile=[*BUSY[1:], (5.0, 5.0)]))
    assert by_code(slip)["smile"].code.kind is Kind.STATE
    assert "1 state of Ben lasts less than a time unit" in str(slip.warnings[0])
    assert measure(coder(smile=BUSY), coder(smile=BUSY[1:])).warnings == ()


@pytest.mark.parametrize("options", [{"tolerance_s": -1.0}, {"unit_s": 0.0}, {"block_s": 0.4}, {"tolerance_s": np.nan}])
def test_times_that_do_not_go_together_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(AgreementError, match="A time unit lasts"):
        measure(coder(smile=BUSY), coder(smile=BUSY), **options)


def test_intervals_are_drawn_from_blocks_that_could_be_compared() -> None:
    gaps = ((90.0, 1800.0),)
    spans = [Annotation(start_s, start_s + 9, "") for start_s in (3.0, 35.0, 62.0)]
    model = AnnotationFile("fer-phq", (Tier("smile", tuple(spans)),), True, duration_s=1800.0, gaps=gaps)
    agreement = measure(coder(1800.0, smile=[(5, 12), (36, 44), (63, 71)]), model)
    smile = by_code(agreement)["smile"]
    assert agreement.blocks == 3
    assert (smile.kappa.low, smile.specific.low) == (None, None)
    assert "3 blocks are too few" in str(smile.kappa.reason)


@pytest.mark.parametrize("duration_s", [1e9, np.inf])
def test_a_recording_of_more_than_a_day_is_refused(duration_s: float) -> None:
    scheme = join_files({"Ann": coder(None, smile=BUSY), "Ben": coder(None, smile=BUSY)}, duration_s=duration_s)
    with pytest.raises(AgreementError, match="longer than 24 hours"):
        measure_agreement(scheme)


def test_one_file_is_no_agreement() -> None:
    with pytest.raises(AgreementError, match="two coders or more"):
        join_files({"Ann": coder(smile=BUSY)})


def test_a_model_is_a_coder_and_what_it_could_not_see_is_left_out(tmp_path: Path) -> None:
    document = analysis_document(sample_analysis())
    rows = document["timeline"]
    for number, row in enumerate(rows):
        if row["emotions"] is not None:
            is_happy = 10 <= number < 16
            row["emotions"] = dict.fromkeys(row["emotions"], 0.0) | {"happiness" if is_happy else "neutral": 1.0}
    path = tmp_path / "analysis.json"
    path.write_text(json.dumps(document, indent=1))
    model = read_coder(path, duration_s=document["recording"]["duration_s"])
    assert {tier.name for tier in model.tiers} >= set(EXPRESSIONS)
    (episode,) = next(tier for tier in model.tiers if tier.name == "happiness").annotations
    assert 4.5 <= episode.start_s <= 5.5
    assert 7.5 <= episode.end_s <= 8.5
    assert model.gaps[0] == (1.5, 2.5)  # its frames 3 and 4 have no face
    human = coder(None, happiness=[(1.6, 2.4), (episode.start_s, episode.end_s)])
    agreement = measure(human, model)
    happiness = by_code(agreement)["happiness"]
    assert happiness.kappa.value == 1.0
    assert [amount.count for amount in happiness.amounts] == [1, 1]
    assert agreement.compared_s == pytest.approx(document["recording"]["duration_s"] - 1.0)
    assert "1.0 s in which the model saw no face are left out" in str(agreement.warnings[-1])
    with pytest.raises(FerPhqError, match="another recording"):
        read_coder(path, duration_s=100.0)
    for time_s in (float("nan"), 1e9, 10**400, None, "soon"):
        document["timeline"][0]["time_s"] = time_s
        with pytest.raises(UnusableFile, match="no whole analysis"):
            analysis_tiers(document)


def test_the_document_has_every_figure_and_reason() -> None:
    agreement = measure(coder(smile=BUSY), coder(smile=BUSY[1:]), block_s=60.0)
    document = json.loads(json.dumps(agreement_document(agreement)))
    assert (document["kappa"], document["blocks"], document["coders"]) == ("cohen", 5, ["Ann", "Ben"])
    (code,) = document["codes"]
    assert code["amounts"][0] == {"coder": "Ann", "count": 30, "seconds": 60.0}
    assert code["kappa"]["value"] == pytest.approx(agreement.codes[0].kappa.value, abs=1e-4)
    assert code["kappa"]["low"] is None
    assert "5 blocks are too few" in code["kappa"]["reason"]
