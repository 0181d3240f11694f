"""From a manifest to a bundle that estimates, and from a bundle to what it is worth."""

import csv
import json
from dataclasses import replace

import labelled_sessions
import numpy as np
import phq_corpora
import pytest

from fer_phq.core.feature_series import SessionFeatures
from fer_phq.core.phq import Modality, PhqEstimate, PhqUnavailable, Provenance, UnavailableReason
from fer_phq.features.files import read_features
from fer_phq.models.checkpoint import SHIPPED, find_damaged_files, read_bundle
from fer_phq.models.evidence.claims import judge_claims
from fer_phq.models.evidence.controls import ControlName
from fer_phq.models.head_report import read_report
from fer_phq.models.model import load_model
from training.phq import evaluate, train
from training.simulation.sessions import Cohort, simulate, write_cohort


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """30 people with a strong signal in the face, half of them with a voice."""
    return write_cohort(labelled_sessions.cohort(30), tmp_path_factory.mktemp("labelled"))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """12 people, only faces: trained in a second."""
    return write_cohort(labelled_sessions.cohort(12, voice=0), tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def bundle(manifest, tmp_path_factory):
    """A bundle trained on it."""
    out = tmp_path_factory.mktemp("bundles") / "clinic"
    assert train.main([str(manifest), "--out", str(out), "--quick", "--seed", "3"]) == 0
    return out


def rows_of(manifest):
    with manifest.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def rewritten(manifest, path, change):
    """The manifest with each row changed, or left out where the change gives None."""
    rows = [row for row in (change(i, dict(row)) for i, row in enumerate(rows_of(manifest))) if row]
    for row in rows:
        row["features"] = str(manifest.parent / row["features"])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def evaluated(capsys, *args):
    assert evaluate.main([str(arg) for arg in args] + ["--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_bundle_is_whole_and_says_what_it_is(bundle):
    found = read_bundle(bundle)
    assert found.config.name == "clinic"
    assert found.config.phq.provenance is Provenance.CLINICAL
    assert "30 sessions of 30 people" in str(found.config.phq.training)
    assert set(found.config.phq.modalities) == {
        (Modality.FACE,),
        (Modality.VOICE,),
        (Modality.FACE, Modality.VOICE),
    }
    assert find_damaged_files(found) == []
    assert "Not a diagnosis" in found.card
    shipped = read_bundle(SHIPPED)
    assert found.face_kind == shipped.face_kind
    assert found.model_id != shipped.model_id
    assert {"report.json", "report.md", "scatter.png", "EMOTION_MODEL_CARD.md"} <= {p.name for p in bundle.iterdir()}


def test_sets_stand_in_the_order_of_what_they_gain(bundle):
    sets = json.loads((bundle / "report.json").read_text())["sets"]
    gains = [one["models"][one["chosen"]]["rmse"] / one["models"]["floor"]["rmse"] for one in sets]
    assert gains == sorted(gains)


def test_estimates_come_with_interval_and_modalities(bundle, manifest):
    model = load_model(bundle)
    for row in rows_of(manifest):
        features = read_features(manifest.parent / row["features"])
        estimate = model.estimate_phq(features)
        assert isinstance(estimate, PhqEstimate)
        assert estimate.model_id == model.model_id
        assert set(estimate.modalities) <= set(features.modalities)
        if features.voice is not None:
            alone = model.estimate_phq(SessionFeatures(voice=features.voice))
            assert alone.modalities == (Modality.VOICE,)


def test_what_no_head_takes_is_told(bundle):
    model = load_model(bundle)
    other = labelled_sessions.cohort(1, face="another", voice=0).features[0]
    refused = model.estimate_phq(other)
    assert isinstance(refused, PhqUnavailable)
    assert refused.reason is UnavailableReason.NO_HEAD
    assert "the session has face" in str(refused.message)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bundle(small, tmp_path):
    for folder in ("a", "b"):
        assert train.main([str(small), "--out", str(tmp_path / folder / "clinic"), "--quick", "--seed", "3"]) == 0
    for name in ("config.json", "phq.safetensors", "report.json"):
        assert (tmp_path / "a" / "clinic" / name).read_bytes() == (tmp_path / "b" / "clinic" / name).read_bytes()


def test_simulated_sessions_make_a_simulated_head(tmp_path):
    data = simulate(Cohort(12, seconds=(20, 40), missing={Modality.VOICE: 1, Modality.WORDS: 1}), 1).data
    assert train.main([str(write_cohort(data, tmp_path / "m")), "--out", str(tmp_path / "b"), "--quick"]) == 0
    config = read_bundle(tmp_path / "b").config.phq
    assert config.provenance is Provenance.SIMULATED
    assert "says nothing about any person" in str(config.training)


def test_a_manifest_may_say_that_it_is_simulated(small, tmp_path):
    said = rewritten(small, tmp_path / "m.csv", lambda i, row: row | {"provenance": "Simulated"})
    assert train.main([str(said), "--out", str(tmp_path / "b"), "--quick"]) == 0
    assert read_bundle(tmp_path / "b").config.phq.provenance is Provenance.SIMULATED


def test_a_folder_that_is_not_empty_is_left_alone(bundle, small, tmp_path, capsys):
    before = (bundle / "config.json").read_bytes()
    assert train.main([str(small), "--out", str(bundle), "--quick"]) == 1
    assert "--force" in capsys.readouterr().err
    assert (bundle / "config.json").read_bytes() == before
    (tmp_path / "notes.txt").write_text("mine")
    assert train.main([str(small), "--out", str(tmp_path), "--quick", "--force"]) == 1
    assert "other files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.slow
def test_force_replaces_a_bundle(small, tmp_path):
    out = tmp_path / "clinic"
    assert train.main([str(small), "--out", str(out), "--quick"]) == 0
    first = read_bundle(out).model_id
    assert train.main([str(small), "--out", str(out), "--quick", "--seed", "5", "--force"]) == 0
    assert read_bundle(out).model_id != first
    assert [path.name for path in tmp_path.iterdir()] == ["clinic"]


def test_all_that_is_wrong_is_told_before_anything_is_computed(small, tmp_path, capsys):
    bad = rewritten(small, tmp_path / "bad.csv", lambda i, row: row | ({"score": "31"} if i in (2, 5) else {}))
    assert train.main([str(bad), "--out", str(tmp_path / "b"), "--quick"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: The manifest")
    assert "row 4, score: '31' is outside" in said
    assert "row 7, score" in said
    assert not (tmp_path / "b").exists()
    assert train.main([str(bad), "--out", str(tmp_path / "b"), "--quick", "--skip-bad"]) == 0
    assert "2 rows were left out, 10 are used" in capsys.readouterr().err


def test_a_file_that_turns_out_bad_names_its_row(small, tmp_path, capsys):
    broken = tmp_path / "broken.npz"
    source = small.parent / rows_of(small)[0]["features"]
    broken.write_bytes(source.read_bytes())
    arrays = dict(np.load(source))
    arrays["visual"][0, 0] = np.inf
    np.savez_compressed(broken, **arrays)
    bad = rewritten(small, tmp_path / "bad.csv", lambda i, row: row | ({"features": str(broken)} if not i else {}))
    assert train.main([str(bad), "--out", str(tmp_path / "b"), "--quick"]) == 1
    said = capsys.readouterr().err
    assert "1 of 12 sessions cannot be used" in said
    assert "row 2" in said
    assert "infinite" in said
    assert train.main([str(bad), "--out", str(tmp_path / "b"), "--quick", "--skip-bad"]) == 0


def test_a_set_whose_scores_are_all_the_same_is_not_trained(tmp_path):
    data = labelled_sessions.cohort(30, voice=0.4, seed=2)
    sessions = [
        replace(one, score=0.0) if features.voice is not None else one
        for one, features in zip(data.sessions, data.features, strict=True)
    ]
    same = write_cohort(replace(data, sessions=tuple(sessions)), tmp_path / "m")
    assert train.main([str(same), "--out", str(tmp_path / "b"), "--quick"]) == 0
    assert read_bundle(tmp_path / "b").config.phq.modalities == ((Modality.FACE,),)


def test_what_is_told_of_single_people_stays_out_of_the_report(small, tmp_path):
    told = rewritten(small, tmp_path / "m.csv", lambda i, row: row | {"note": f"Jane {i}", "site": "NS"[i % 2]})
    assert train.main([str(told), "--out", str(tmp_path / "b"), "--quick"]) == 0
    assert "Jane" not in "".join(path.read_text() for path in (tmp_path / "b").glob("*.[mj]*"))
    groups = json.loads((tmp_path / "b" / "report.json").read_text())["sets"][0]["groups"]
    assert [(group["column"], group["value"]) for group in groups] == [("site", "N"), ("site", "S")]


def test_a_seed_that_is_none_is_refused(small, tmp_path, capsys):
    assert train.main([str(small), "--out", str(tmp_path / "b"), "--seed", "-1"]) == 1
    assert "between 0 and" in capsys.readouterr().err


def test_too_few_sessions_are_one_sentence(tmp_path, capsys):
    few = write_cohort(labelled_sessions.cohort(6), tmp_path / "m")
    assert train.main([str(few), "--out", str(tmp_path / "b")]) == 1
    assert "6 sessions of 6 people are too few" in capsys.readouterr().err


def test_new_people_are_judged(bundle, tmp_path, capsys):
    others = write_cohort(labelled_sessions.cohort(60, seed=8), tmp_path / "others")
    found = evaluated(capsys, bundle, others)
    assert found["n"] + found["abstained"] == 60
    assert found["n"] > 50
    assert found["mae"] < found["floor_mae"] - 1
    assert found["rmse"] >= found["mae"]
    assert 0.5 < found["ccc"] <= found["pearson"] <= 1
    assert found["interval_level"] == 0.9
    assert 0.75 < found["interval_coverage"] <= 1
    assert found["interval_mean_width"] < 24


def test_the_report_says_which_claims_stand(bundle):
    report = read_report(bundle / "report.json")
    text = (bundle / "report.md").read_text()
    assert text.count("**Which claims stand.**") == len(report.sets) == 3
    for head in report.sets:
        assert [control.name for control in head.evidence.controls] == list(ControlName)[:4]
        assert head.evidence.controls[0].missing.code == "phq_training.no_interviewer"
        assert head.evidence.ranking[0].model == "ridge"
        for claim in judge_claims(head.evidence):
            assert str(claim) in text
    face = next(head for head in report.sets if head.name == "face")
    assert face.evidence.gaps[0].subjects == 6
    assert face.evidence.controls[3].figures.head_gain.is_positive
    assert face.evidence.coverage[0].covered.value == pytest.approx(face.interval.interval_coverage)
    assert face.evidence.shifts == ()


def test_controls_stand_beside_the_heads_on_new_people(bundle, tmp_path, capsys):
    others = write_cohort(labelled_sessions.cohort(60, seed=8), tmp_path / "others")
    with_sex = rewritten(others, tmp_path / "others.csv", lambda i, row: row | {"sex": "fm"[i % 2]})
    evaluation = evaluated(capsys, bundle, with_sex, "--controls")
    plain = evaluated(capsys, bundle, with_sex)
    assert "evidence" not in plain
    assert plain == {name: value for name, value in evaluation.items() if name in plain}
    evidence = evaluation["evidence"]
    interviewer, length, group, shuffled = evidence["controls"]
    assert "names the speakers" in interviewer["missing"]["text"]
    assert (length["sessions"], group["columns"]) == (evaluation["n"], ["sex"])
    for control in (length, group, shuffled):
        assert control["head_gain"]["low"] > 0
        assert control["head_rmse"] == pytest.approx(evaluation["rmse"])
        assert control["ccc"]["low"] <= 0
    folds = {head.name: head.figures.mae for head in read_report(bundle / "report.json").sets}
    assert evidence["gaps"]
    for gap in evidence["gaps"]:
        assert gap["folds_mae"] == folds[gap["name"]]
        assert gap["difference"]["low"] < gap["held_out_mae"] - gap["folds_mae"] < gap["difference"]["high"]
    everybody = evidence["coverage"][0]
    assert everybody["column"] == "all"
    assert everybody["covered"]["value"] == pytest.approx(evaluation["interval_coverage"])
    assert {("sex", "f"), ("sex", "m"), ("score", "0 to 9")} <= {
        (g["column"], g["value"]) for g in evidence["coverage"]
    }
    assert {shift["name"] for shift in evidence["shifts"]} <= set(folds)
    assert min(shift["p"] for shift in evidence["shifts"]) > 0.01
    assert evaluate.main([str(bundle), str(with_sex), "--controls"]) == 0
    text = capsys.readouterr().out
    assert "control interviewer: none. No session says" in text
    assert " ".join(evaluation["claims"]) in text


def test_a_new_site_is_told_and_coverage_is_not_promised(bundle, tmp_path, capsys):
    data = labelled_sessions.cohort(30, seed=9, voice=0)
    moved = [
        replace(features, face=replace(features.face, values=features.face.values + np.float32(0.6)))
        for features in data.features
    ]
    site = write_cohort(replace(data, features=tuple(moved)), tmp_path / "site")
    evaluation = evaluated(capsys, bundle, site, "--controls")
    assert evaluation["evidence"]["shifts"][0]["p"] < 0.01
    assert "Coverage cannot be promised here: these sessions differ" in " ".join(evaluation["claims"])


def test_controls_of_too_few_people_are_missing_with_the_reason(bundle, small, tmp_path, capsys):
    few = rewritten(small, tmp_path / "few.csv", lambda i, row: row if i < 6 else None)
    evaluation = evaluated(capsys, bundle, few, "--controls")
    assert "evidence" not in evaluation
    assert "6 of 6 people" in evaluation["evidence_missing"]["text"]


def test_the_part_test_is_not_trained_on_and_is_what_is_judged(small, tmp_path, capsys):
    parted = rewritten(small, tmp_path / "parts.csv", lambda i, row: row | {"split": "test" if i >= 10 else "train"})
    assert train.main([str(parted), "--out", str(tmp_path / "b"), "--quick"]) == 0
    assert "2 sessions of the part test are left out" in capsys.readouterr().err
    assert json.loads((tmp_path / "b" / "report.json").read_text())["sessions"] == 10
    found = evaluated(capsys, tmp_path / "b", parted)
    assert found["n"] + found["abstained"] == 2


def test_one_person_may_be_judged_but_not_trained_on(bundle, small, tmp_path, capsys):
    one = rewritten(small, tmp_path / "one.csv", lambda i, row: row if i < 1 else None)
    found = evaluated(capsys, bundle, one)
    assert found["n"] == 1
    assert found["ccc"] == 0
    assert train.main([str(one), "--out", str(tmp_path / "b")]) == 1
    assert "one subject" in capsys.readouterr().err


def test_nothing_judged_is_no_number(bundle, tmp_path, capsys):
    data = labelled_sessions.cohort(6, voice=0, face="of another backbone")
    found = evaluated(capsys, bundle, write_cohort(data, tmp_path / "m"))
    assert found["n"] == 0
    assert found["abstained"] == 6
    assert found["mae"] is None
    assert found["reasons"] == {"no_head": 6}


def test_another_scale_is_refused(bundle, small, tmp_path, capsys):
    nine = rewritten(small, tmp_path / "nine.csv", lambda i, row: row | {"scale": "PHQ-9"})
    assert evaluate.main([str(bundle), str(nine)]) == 1
    assert "PHQ-8 estimates, the sessions have PHQ-9" in capsys.readouterr().err


@pytest.mark.slow
def test_a_corpus_folder_is_trained_on_and_its_test_part_judged(tmp_path, capsys, monkeypatch):
    people = {302 + i: 2 * i for i in range(12)}
    monkeypatch.setitem(phq_corpora.DAIC_WOZ, "train", people)
    folder = phq_corpora.write_daic_woz(tmp_path / "DAIC-WOZ")
    assert train.main([str(folder), "--out", str(tmp_path / "b"), "--quick"]) == 0
    said = capsys.readouterr().err
    assert "440" in said, "what was left out is told"
    assert "2 sessions of the part test are left out" in said
    config = read_bundle(tmp_path / "b").config.phq
    assert config.provenance is Provenance.CLINICAL
    assert (Modality.FACE, Modality.VOICE) in config.modalities
    found = evaluated(capsys, tmp_path / "b", folder)
    assert found["n"] + found["abstained"] == 2
