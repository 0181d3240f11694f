"""A head's report and the steps of its training, as files hold them."""

import copy
import json
import subprocess
import sys

import pytest

from fer_phq.core.errors import ModelError
from fer_phq.core.phq import Modality, Scale
from fer_phq.models.head_report import (
    FIGURES,
    GroupImportance,
    TrainingStep,
    read_report,
    report_from_json,
    report_to_json,
    step_from_json,
    step_to_json,
)


def model(mae=4.0):
    intervals = {name: {"low": 0.1, "high": 9.5} for name in FIGURES}
    screening = {"positives": 5, "negatives": 0, "auc": None, "sensitivity": 0.8, "specificity": None}
    figures = dict.fromkeys(FIGURES, 0.5) | {"mae": mae, "rmse": mae + 1}
    return {"n": 36, "subjects": 12, **figures, "intervals": intervals, "screening": screening}


def fields():
    """A report as `report.json` holds it."""
    return {
        "scale": "PHQ-8",
        "sessions": 12,
        "subjects": 12,
        "seed": 0,
        "quick": False,
        "bootstrap_level": 0.95,
        "sets": [
            {
                "modalities": ["face", "voice"],
                "sessions": 12,
                "subjects": 12,
                "chosen": "ridge",
                "models": {"floor": model(5.0), "ridge": model()},
                "interval": {"interval_level": 0.9, "interval_coverage": 0.92, "interval_mean_width": 14.5},
                "groups": [{"column": "sex", "value": "f", "n": 6, "subjects": 6, "mae": 4.5, "bias": -0.25}],
                "calibration": [{"n": 6, "estimate": 4.5, "score": 5.0, "standard_error": 1.25}],
                "learning_curve": [{"subjects": 8, "mae": 4.75, "ccc": 0.25}],
                "importance": [{"name": "voice.prosody", "increase": 0.75, "spread": 0.25}],
            }
        ],
    }


def test_a_report_is_read_as_it_was_written():
    report = report_from_json(fields())
    assert (report.scale, report.sessions, report.seed, report.quick) == (Scale.PHQ8, 12, 0, False)
    (face_and_voice,) = report.sets
    assert face_and_voice.modalities == (Modality.FACE, Modality.VOICE)
    assert face_and_voice.name == "face+voice"
    assert face_and_voice.figures.mae == 4
    assert face_and_voice.relative_rmse == pytest.approx(5 / 6)
    assert face_and_voice.importance == (GroupImportance("voice.prosody", 0.75, 0.25),)
    assert json.dumps(report_to_json(report)) == json.dumps(fields()), "keys keep their names and their order"


def test_a_report_of_an_earlier_version_has_no_importance():
    earlier = fields()
    del earlier["sets"][0]["importance"]
    assert report_from_json(earlier).sets[0].importance == ()


def test_a_report_from_before_its_level_was_written_has_the_usual_one():
    old = fields()
    del old["bootstrap_level"], old["seed"], old["quick"]
    report = report_from_json(old | {"unknown": 1})
    assert (report.bootstrap_level, report.seed, report.quick) == (0.95, None, None)


def broken(path, value):
    """The fields with the value at this path, or without it where the value is None."""
    report = copy.deepcopy(fields())
    *parents, last = path
    holder = report
    for key in parents:
        holder = holder[key]
    if value is None:
        del holder[last]
    else:
        holder[last] = value
    return report


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (["sets"], 3, "TypeError"),
        (["sets"], None, "KeyError"),
        (["scale"], "PHQ-7", "ValueError"),
        (["sessions"], -1, "ValueError"),
        (["sessions"], 1.5, "ValueError"),
        (["bootstrap_level"], 95, "ValueError"),
        (["sets", 0, "chosen"], "none", "ValueError"),
        (["sets", 0, "modalities"], ["smell"], "ValueError"),
        (["sets", 0, "models", "ridge", "mae"], "4", "TypeError"),
        (["sets", 0, "models", "ridge", "ccc"], float("nan"), "ValueError"),
        (["sets", 0, "models", "ridge", "intervals", "r2"], None, "KeyError"),
        (["sets", 0, "interval", "interval_coverage"], 1.2, "ValueError"),
        (["sets", 0, "models"], [], "AttributeError"),
        (["sets", 0, "importance"], 3, "TypeError"),
        (["sets", 0, "importance", 0, "spread"], -0.25, "ValueError"),
        (["sets", 0, "importance", 0, "increase"], float("nan"), "ValueError"),
        (["sets", 0, "importance", 0, "name"], None, "KeyError"),
    ],
)
def test_a_damaged_report_is_one_sentence(tmp_path, path, value, reason):
    file = tmp_path / "report.json"
    file.write_text(json.dumps(broken(path, value)))
    with pytest.raises(ModelError, match=rf"report.json cannot be read \({reason}\); train the head again.") as error:
        read_report(file)
    assert error.value.message.code == "models.report_unreadable"


def test_a_report_that_is_no_json_or_not_there_is_told(tmp_path):
    (tmp_path / "report.json").write_text("{")
    for file in (tmp_path / "report.json", tmp_path / "none.json"):
        with pytest.raises(ModelError, match="cannot be read"):
            read_report(file)


def test_a_step_is_a_line_of_json():
    step = TrainingStep((Modality.FACE,), "ridge", 2, 15, 4.5, 5.0)
    line = {"modalities": ["face"], "model": "ridge", "folds": 2, "of": 15, "rmse": 4.5, "floor": 5.0}
    assert step_to_json(step) == line
    assert step_from_json(json.loads(json.dumps(line))) == step
    with pytest.raises(KeyError):
        step_from_json({"modalities": []})


def test_reports_are_read_without_pytorch_and_scikit_learn():
    code = "import sys, fer_phq.models.head_report; sys.exit(bool({'torch', 'sklearn'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
