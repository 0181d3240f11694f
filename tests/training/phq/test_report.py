"""The report says what was found, for a program and for a reader."""

import json
from dataclasses import replace

import pytest
from labelled_sessions import cohort
from PIL import Image

from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Scale
from fer_phq.models.head_report import HeadReport, read_report
from training.phq import messages, selection
from training.phq.data.dataset import build_head_data, modality_sets
from training.phq.report import TrainingResult, as_markdown, report_set, write_report


def report_of(data, **facts):
    sets, fits = [], []
    for modalities in modality_sets(data)[:1]:
        having = data.with_modalities(modalities)
        fitted = selection.fit_head(build_head_data(having, modalities), Scale.PHQ8, quick=True)
        sets.append(report_set(fitted, having, seed=0))
        fits.append(fitted)
    report = HeadReport(Scale.PHQ8, len(data), len(set(data.subjects)), tuple(sets), **facts)
    return TrainingResult(report, tuple(fits))


@pytest.fixture(scope="module")
def report():
    return report_of(cohort(people=40), seed=0)


def test_figures_groups_and_curve_are_in_the_json(report, tmp_path):
    write_report(report, tmp_path)
    found = json.loads((tmp_path / "report.json").read_text())
    assert (found["scale"], found["sessions"], found["subjects"], found["seed"]) == ("PHQ-8", 40, 40, 0)
    (face,) = found["sets"]
    assert face["modalities"] == ["face"]
    assert face["chosen"] == "ridge"
    ridge = face["models"]["ridge"]
    assert ridge["mae"] < ridge["floor_mae"]
    assert ridge["intervals"]["mae"]["low"] < ridge["mae"] < ridge["intervals"]["mae"]["high"]
    assert [group["value"] for group in face["groups"]] == ["f", "m"]
    assert sum(group["n"] for group in face["groups"]) == 40
    assert [point["subjects"] for point in face["learning_curve"]] == [8, 16, 32]
    assert face["learning_curve"][-1]["mae"] < face["learning_curve"][0]["mae"]
    estimates = [group["estimate"] for group in face["calibration"]]
    assert estimates == sorted(estimates)
    assert sum(group["n"] for group in face["calibration"]) == 40


def test_the_diagrams_are_pictures(report, tmp_path):
    write_report(report, tmp_path)
    for name in ("scatter", "calibration", "learning_curve"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.size[0] > 500
            assert len(set(picture.convert("L").resize((64, 64)).tobytes())) > 10


@pytest.mark.slow
def test_what_is_not_used_of_a_corpus_is_said(report, tmp_path):
    noted = replace(report.report, notes=(messages.WITHOUT_TURNS(n=3),))
    write_report(replace(report, report=noted), tmp_path)
    assert "\n\nThe transcripts of 3 sessions do not say who speaks when" in (tmp_path / "report.md").read_text()
    assert read_report(tmp_path / "report.json").notes == noted.notes


def test_the_markdown_names_what_was_chosen_and_what_it_is_not(report):
    text = as_markdown(report.report)
    assert "| **ridge** |" in text
    assert "| floor |" in text
    assert "Not a diagnosis" in text
    assert "| sex | f |" in text
    assert "only ridge regression" not in text
    assert "interval reaches zero" not in text


def test_few_people_and_no_signal_are_said():
    text = as_markdown(report_of(cohort(people=14, signal=0)).report)
    assert "With 14 people only ridge regression" in text
    assert "interval reaches zero" in text


def test_a_folder_that_cannot_be_written_is_named(report, tmp_path):
    with pytest.raises(FerPhqError, match="cannot be written"):
        write_report(report, tmp_path / "none")
