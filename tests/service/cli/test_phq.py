"""The life of a person's own PHQ heads on the command line: trained from the store, made active, applied again."""

import csv
import json
import shutil

import pytest
from analysis_samples import MONDAY, NO_HEAD, new_session, row_counts, sample_analysis, sample_recording
from labelled_store import fill_labelled
from migrated import migrate
from typer.testing import CliRunner

from db.store import Store
from fer_phq.core.errors import ModelError, SettingsError
from fer_phq.core.phq import PhqEstimate, Provenance, Scale
from fer_phq.features.files import read_features
from fer_phq.models.checkpoint import SHIPPED, models_dir, read_bundle
from service import cli
from service.models.active_model import activate, active_bundle, bundle_folder
from service.models.labelled_sessions import find_labelled_sessions
from service.models.training_manifest import write_manifest
from service.settings import load_settings

PEOPLE = 12


@pytest.fixture
def installation(tmp_path, monkeypatch):
    """An installation with twelve labelled sessions."""
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("FERPHQ_MODEL", raising=False)
    settings = load_settings()
    settings.prepare()
    migrate(settings.database_url)
    with Store(settings.database_url, actor="test") as store:
        fill_labelled(store, read_bundle(SHIPPED), PEOPLE)
    return settings


def run(*args, **given):
    return CliRunner().invoke(cli.app, [str(arg) for arg in args], catch_exceptions=False, **given)


def estimates(settings):
    with Store(settings.database_url, actor="test") as store:
        analyses = [
            store.sessions.get_detail(session_id=row.session.id).analyses
            for row in store.sessions.list_recent(limit=50)
        ]
    return [[one.phq for one in found] for found in analyses]


@pytest.mark.slow
def test_from_questionnaires_to_estimates(installation, tmp_path):
    out = tmp_path / "heads" / "clinic"
    done = run("train", "phq", "--from-store", "--out", out, "--quick")
    assert done.exit_code == 0, done.output
    assert "It is not active" in done.output
    assert active_bundle(installation).path == SHIPPED
    config = read_bundle(out).config.phq
    assert config.provenance is Provenance.CLINICAL
    assert "12 sessions of 12 people" in str(config.training)

    before = row_counts(installation.database_url)
    assert "clinic" not in run("models", "list").output
    refused = run("models", "activate", out, input="n\n")
    assert refused.exit_code == 1
    assert active_bundle(installation).path == SHIPPED
    assert run("models", "activate", out, "--yes").exit_code == 0
    active = active_bundle(installation)
    assert active.path == models_dir() / "clinic"
    assert active.model_id == read_bundle(out).model_id
    assert "active" in run("models", "list").output

    done = run("reanalyse")
    assert done.exit_code == 0, done.output
    assert f"{PEOPLE} sessions have a new analysis by {active.model_id}" in done.output
    found = estimates(installation)
    assert all(len(one) == 2 for one in found), "earlier analyses stay"
    given = [one[0] for one in found if isinstance(one[0], PhqEstimate)]
    assert given
    assert {one.model_id for one in given} == {active.model_id}
    after = row_counts(installation.database_url)
    assert after["analyses"] == 2 * before["analyses"]
    assert after["measures"] > before["measures"], "the new analyses come with their measures"
    assert after["sessions"] == before["sessions"]
    assert "0 sessions have a new" in run("reanalyse").output


def test_features_of_the_store_are_what_was_stored(installation, tmp_path):
    with Store(installation.database_url, actor="test") as store:
        kind = read_bundle(SHIPPED).face_kind
        labelled = find_labelled_sessions(store, kind)
        manifest = write_manifest(store, tmp_path, labelled)
        (first, *_) = labelled.sessions
        stored = store.analyses.load_session_analysis(analysis_id=first.analysis_id).features
    with manifest.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == PEOPLE
    assert {row["scale"] for row in rows} == {"PHQ-8"}
    row = next(row for row in rows if row["features"].startswith(first.session_id))
    assert int(row["score"]) == first.score
    written = read_features(tmp_path / row["features"])
    assert (written.face.values == stored.face.values).all()
    assert written.face.kind == kind


@pytest.mark.parametrize("asked", [["--within-days", "0.5"], ["--scale", "PHQ-9"]])
def test_no_questionnaire_near_a_session_is_one_sentence(installation, tmp_path, asked):
    done = run_failing("train", "phq", "--from-store", "--out", tmp_path / "b", *asked)
    assert "questionnaire answered within" in done
    assert not (tmp_path / "b").exists()


def test_it_says_why_sessions_do_not_count_in_the_words_of_the_page(installation, tmp_path):
    with Store(installation.database_url, actor="test") as store:
        labelled = find_labelled_sessions(store, read_bundle(SHIPPED).face_kind, Scale.PHQ9)
    args = ["train", "phq", "--from-store", "--out", str(tmp_path / "b"), "--scale", "PHQ-9"]
    said = CliRunner().invoke(cli.app, args).output
    assert "12 have no PHQ-9 but a PHQ-8 answered within 14 days." in said
    assert said.splitlines() == [str(line) for line in labelled.lines]


def run_failing(*args):
    """The sentence of a command that fails, as `main` prints it."""
    try:
        done = run(*args)
    except Exception as error:
        return str(error)
    assert done.exit_code != 0
    return done.output


@pytest.mark.parametrize(
    "args", [["train", "phq"], ["train", "phq", "m.csv", "--from-store", "--out", "b"], ["train", "phq", "m.csv"]]
)
def test_a_manifest_or_the_store_and_a_folder_are_needed(installation, args):
    assert "manifest" in run_failing(*args)


def test_a_manifest_is_trained_on_and_evaluated(installation, tmp_path):
    with Store(installation.database_url, actor="test") as store:
        (tmp_path / "m").mkdir()
        manifest = write_manifest(store, tmp_path / "m", find_labelled_sessions(store, read_bundle(SHIPPED).face_kind))
    done = run("train", "phq", manifest, "--out", tmp_path / "b", "--seed", "2", "--quick")
    assert done.exit_code == 0, done.output
    judged = run("evaluate", "phq", tmp_path / "b", manifest, "--json")
    assert judged.exit_code == 0, judged.output
    found = json.loads(judged.stdout)
    assert {"n", "mae", "rmse", "ccc", "pearson", "floor_mae", "interval_level", "interval_coverage"} <= set(found)
    assert found["n"] + found["abstained"] == PEOPLE


def test_the_environment_decides_before_the_store(installation, monkeypatch):
    monkeypatch.setenv("FERPHQ_MODEL", str(SHIPPED))
    with pytest.raises(SettingsError, match="FERPHQ_MODEL"):
        activate(load_settings(), str(SHIPPED))


def test_an_active_model_that_vanished_is_told(installation):
    with Store(installation.database_url, actor="test") as store:
        store.settings.set(key="active_model", value="gone-01234567")
    with pytest.raises(ModelError, match="gone-01234567 is not on this machine any more"):
        active_bundle(installation)
    assert SHIPPED.name in run("models", "list").output
    assert run("models", "activate", SHIPPED.name, "--yes").exit_code == 0
    assert active_bundle(installation).path == SHIPPED


@pytest.mark.slow
def test_sessions_without_a_face_are_passed_over(installation, tmp_path):
    bundle = read_bundle(SHIPPED)
    with Store(installation.database_url, actor="test") as store:
        for number in range(2):
            subject = store.subjects.create(label=f"faceless {number}").id
            nobody = sample_analysis(
                sample_recording(f"{number}.mp4"),
                gaps=tuple(range(20)),
                phq=NO_HEAD,
                dim=bundle.config.dim,
                face_kind=bundle.face_kind,
            )
            session = new_session(store, subject, f"{number}.mp4", MONDAY)
            store.analyses.save(session_id=session.id, analysis=nobody)
            store.questionnaires.save(subject_id=subject, scale=Scale.PHQ8, items=[1] * 8, answered_at=MONDAY)
    done = run("train", "phq", "--from-store", "--out", tmp_path / "b", "--quick")
    assert done.exit_code == 0, done.output
    assert "2 show too little of the face to learn from" in done.output
    assert f"{PEOPLE} sessions of {PEOPLE} people" in str(read_bundle(tmp_path / "b").config.phq.training)


def test_a_model_without_heads_scores_nothing_again(installation, tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "headless")
    config = json.loads((tmp_path / "headless" / "config.json").read_text())
    (tmp_path / "headless" / "config.json").write_text(json.dumps(config | {"name": "headless", "phq": None}))
    (tmp_path / "headless" / "phq.safetensors").unlink()
    before = row_counts(installation.database_url)
    assert "no PHQ head" in run_failing("reanalyse", "--model", tmp_path / "headless")
    assert row_counts(installation.database_url) == before


@pytest.mark.parametrize("days", ["-1", "nan", "1e10"])
def test_days_that_are_none_are_refused(installation, tmp_path, days):
    assert "between 0 and 365" in run_failing(
        "train", "phq", "--from-store", "--out", tmp_path / "b", f"--within-days={days}"
    )


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "with space", "a\x00"])
def test_a_name_that_is_no_folder_is_refused(name):
    with pytest.raises(SettingsError):
        bundle_folder(name)
