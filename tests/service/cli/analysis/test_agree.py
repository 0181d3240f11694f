"""`fer-phq agree` on files of BORIS, ELAN, Praat and of `fer-phq analyze --json`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from analysis_samples import sample_analysis
from typer.testing import CliRunner, Result

from fer_phq.annotations.elan import eaf
from fer_phq.annotations.praat import textgrid
from fer_phq.annotations.tables import boris_csv
from fer_phq.annotations.tiers import Annotation, CodedRecording, Tier
from fer_phq.core.emotions import EMOTIONS
from fer_phq.pipeline.document import analysis_document
from service import cli
from service.cli.analysis.agree import coder_names


def recording(late_s: float = 0.0) -> CodedRecording:
    smiles = tuple(Annotation(10.0 * n + late_s, 10.0 * n + 3 + late_s, "") for n in range(40))
    nods = tuple(Annotation(10.0 * n + 6, 10.0 * n + 6, "") for n in range(40))
    return CodedRecording("s", 400.0, (Tier("smile", smiles, "face"), Tier("nod", nods, "head")), "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "anna.csv").write_text(boris_csv(recording()))
    (tmp_path / "ben.eaf").write_text(eaf(recording(0.9)))
    (tmp_path / "cleo.TextGrid").write_text(textgrid(recording(0.2)))
    return tmp_path


def agree(folder: Path, *arguments: str) -> Result:
    files = [str(folder / argument) if (folder / argument).exists() else argument for argument in arguments]
    return CliRunner().invoke(cli.app, ["agree", *files])


def test_two_coders(folder: Path) -> None:
    result = agree(folder, "anna.csv", "ben.eaf")
    assert result.exit_code == 0, result.output
    assert "2 coders: anna, ben\n400.0 of 400.0 s compared, tolerance 0.5 s" in result.stdout
    assert "40 by anna, 120.0 s" in result.stdout
    assert "specific agreement  1.00 [1.00, 1.00]" in result.stdout  # the nods
    assert "Cohen's kappa       0.8" in result.stdout
    wide = agree(folder, "anna.csv", "ben.eaf", "--tolerance", "1")
    assert "Cohen's kappa       1.00" in wide.stdout


def test_three_coders_as_json(folder: Path) -> None:
    result = agree(folder, "anna.csv", "ben.eaf", "cleo.TextGrid", "--json", "--only", "smile", "--block", "20")
    document = json.loads(result.stdout)
    assert (document["kappa"], document["coders"], document["blocks"]) == ("fleiss", ["anna", "ben", "cleo"], 20)
    (smile,) = document["codes"]
    assert smile["kappa"]["low"] < smile["kappa"]["value"] < smile["kappa"]["high"]
    assert len(document["pairs"]) == 3


def test_a_coder_and_a_model(tmp_path: Path) -> None:
    document = analysis_document(sample_analysis())
    for number, row in enumerate(document["timeline"]):
        emotion = "happiness" if 10 <= number < 16 else "neutral"
        row["emotions"] = dict.fromkeys(EMOTIONS, 0.0) | {emotion: 1.0}
    (tmp_path / "model.json").write_text(json.dumps(document))
    coded = CodedRecording("s", 10.0, (Tier("Lächeln", (Annotation(5.0, 8.0, ""),)),), "")
    (tmp_path / "anna.eaf").write_text(eaf(coded), encoding="utf-8")
    result = agree(tmp_path, "anna.eaf", "model.json")
    assert result.exit_code == 1
    assert "There is no code that two coders have. anna: Lächeln, model: anger" in str(result.exception)
    result = agree(tmp_path, "anna.eaf", "model.json", "--rename", "lächeln=happiness", "--json")
    document = json.loads(result.stdout)
    assert [code["code"] for code in document["codes"]] == ["happiness"]
    assert document["codes"][0]["kappa"]["value"] > 0.8
    assert document["duration_s"] == 10.0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("anna.csv",), "two coders or more"),
        (("anna.csv", "none.eaf"), "There is no file none.eaf"),
        (("anna.csv", "ben.eaf", "--duration", "100"), "anna.csv cannot be used: it is of another recording"),
        (("ben.eaf", "ben.eaf", "--duration", "100"), "the recording ends at 100.000 s"),
        (("anna.csv", "ben.eaf", "--tolerance", "-1"), "A time unit lasts"),
        (("anna.csv", "ben.eaf", "--rename", "smile"), "'smile' names no two codes"),
        (("anna.csv", "ben.eaf", "--only", "wave"), "No coder has a code 'wave'"),
    ],
)
def test_what_cannot_be_compared_is_refused(folder: Path, arguments: tuple[str, ...], sentence: str) -> None:
    result = agree(folder, *arguments)
    assert result.exit_code == 1
    assert sentence in str(result.exception)
    assert result.stdout == ""


def test_an_unknown_use_of_labels_is_refused(folder: Path) -> None:
    assert agree(folder, "anna.csv", "ben.eaf", "--codes", "both").exit_code == 2


def test_what_was_assumed_is_on_standard_error(folder: Path) -> None:
    (folder / "dora.csv").write_text(boris_csv(recording(3.5)))
    result = agree(folder, "anna.csv", "dora.csv")
    assert "dora agrees far better with anna when all its times are moved by -3.5 s" in result.stderr
    assert "agrees far better" not in result.stdout


def test_coders_have_names_of_their_own() -> None:
    assert coder_names([Path("a/anna.boris.csv"), Path("b/ben.eaf")]) == ["anna", "ben"]
    assert coder_names([Path("a/coder.csv"), Path("b/coder.csv")]) == ["a/coder.csv", "b/coder.csv"]
    assert coder_names([Path("a.csv"), Path("a.csv")]) == ["a.csv (1)", "a.csv (2)"]
