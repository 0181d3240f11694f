"""The Models page over real bundles: what is in use, what a report says, activating, training and scoring again."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from analysis_samples import new_session, sample_analysis, sample_recording
from labelled_store import fill_labelled
from streamlit.testing.v1 import AppTest

from dashboard.i18n.vocabulary import FEATURE_GROUPS
from dashboard.models import bundles
from db.store import Store
from fer_phq.core.messages import literal
from fer_phq.core.phq import Modality, Provenance
from fer_phq.models.checkpoint import SHIPPED, Bundle, find_bundle, read_bundle, write_config
from fer_phq.models.evidence.claims import judge_claims
from fer_phq.models.head_report import REPORT, read_report
from service.models import head_training, rescoring
from service.models.active_model import KEY, active_bundle
from service.models.labelled_sessions import find_labelled_sessions
from service.models.task import Task, TaskState
from service.settings import AppSettings, load_settings

MAIN = Path(__file__).parents[2] / "dashboard" / "main.py"


@pytest.fixture(scope="session")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two trained bundles: `clinic` of clinical, `made-up` of simulated labels, 12 people each."""
    from training.phq.bundle import write_phq_bundle
    from training.phq.train import Options, fit_heads
    from training.simulation.sessions import Cohort, simulate

    folder = tmp_path_factory.mktemp("heads")
    missing = {Modality.VOICE: 1.0, Modality.WORDS: 1.0}
    report = fit_heads(simulate(Cohort(12, seconds=(20, 60), missing=missing), 0).data, Options(quick=True))
    base = find_bundle(SHIPPED)
    write_phq_bundle(
        report, base, folder / "clinic", Provenance.CLINICAL, literal("Trained on 12 people of one clinic.")
    )
    write_phq_bundle(
        report, base, folder / "made-up", Provenance.SIMULATED, literal("Trained on 12 people that were made up.")
    )
    return folder


@pytest.fixture(autouse=True)
def models_here(installation: AppSettings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The models' folder is the installation's own."""
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(installation.data_dir))
    monkeypatch.delenv("FERPHQ_MODEL", raising=False)
    folder = installation.data_dir / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def trained(heads: Path, models_here: Path) -> Bundle:
    """The bundle `clinic` among the installation's models."""
    shutil.copytree(heads / "clinic", models_here / "clinic")
    return read_bundle(models_here / "clinic")


def open_page() -> AppTest:
    """The Models page, run once."""
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.switch_page("app_pages/models.py")
    return run(app)


def run(app: AppTest) -> AppTest:
    """The page run again; it must show neither an exception nor an error box."""
    app.run()
    assert not app.exception, [e.value for e in app.exception]
    assert not app.error, [e.value for e in app.error]
    return app


def words(app: AppTest) -> str:
    """Everything a page says, labels and HTML included, as one text."""
    return " ".join(str(getattr(node, "proto", "")) for node in app.main)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def confirmation(bundle: Bundle, active: Bundle | None) -> AppTest:
    """The dialog's content: the test runner cannot press buttons inside dialogs."""
    script = """
import streamlit as st
from dashboard.models.bundle_card import confirmation
confirmation(st.session_state.bundle, st.session_state.active)
"""
    app = AppTest.from_string(script, default_timeout=60)
    app.session_state["bundle"], app.session_state["active"] = bundle, active
    return run(app)


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return run(app)


def end_of(status: Callable[[AppSettings], Task | None], settings: AppSettings, seconds: float = 400) -> Task:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        task = status(settings)
        assert task is not None
        if task.state is not TaskState.RUNNING:
            return task
        time.sleep(0.2)
    pytest.fail("it did not end")


def test_with_only_the_shipped_model(store: Store) -> None:
    app = open_page()
    said = words(app)
    assert app.title[0].value == "Models"
    assert find_bundle(SHIPPED).model_id in said
    assert "In use" in said
    assert "Comes with fer-phq" in said
    assert "Only the model that comes with fer-phq is here" in said
    assert "There are 0 analysed sessions of 0 people" in said
    assert "a head needs 10 sessions of 5 people" in said
    assert next(button for button in app.button if button.label == "Start training").disabled
    assert "Use this model" not in labels(app)
    assert "Not a diagnosis" in said


def test_it_says_why_sessions_do_not_count(store: Store) -> None:
    fill_labelled(store, find_bundle(SHIPPED), people=3)
    session = new_session(store, store.subjects.create(label="P-99").id, "waits")
    new_session(store, session.subject_id, "demonstration", is_demo=True)
    app = open_page()
    said = words(app)
    labelled = find_labelled_sessions(store, find_bundle(SHIPPED).face_kind)
    assert [str(line) for line in labelled.exclusions] == [
        "1 is a demonstration session.",
        "1 has no analysis yet.",
    ]
    assert all(str(line) in said for line in labelled.lines)
    app.selectbox(key="training_scale").select("PHQ-9")
    assert "3 have no PHQ-9 but a PHQ-8 answered within 14 days." in words(run(app))


def test_a_trained_head_shows_its_report_and_its_card(trained: Bundle) -> None:
    app = open_page()
    said = words(app)
    report = json.loads((trained.path / "report.json").read_text())
    figures = report["sets"][0]["models"][report["sets"][0]["chosen"]]
    assert trained.model_id in said
    assert "Clinical labels" in said
    assert "Trained on 12 people of one clinic." in said
    assert f"{figures['mae']:.2f}<br>" in said
    assert f"{figures['floor_mae']:.2f}<br>" in said
    assert "Always the mean" in said
    assert f"{report['sets'][0]['interval']['interval_mean_width']:.1f}</td>" in said
    assert "With 12 people only the simplest model was tried" in said
    assert "How near it came" in said
    assert "### clinic: a PHQ-8 head" in said
    alts = [picture.alt for node in app.main if node.type == "image" for picture in node.proto.imgs]
    assert alts == [alt for _, alt in bundles.PICTURES.values()]


def test_the_card_says_what_a_head_relies_on(trained: Bundle) -> None:
    said = words(open_page())
    first = json.loads((trained.path / "report.json").read_text())["sets"][0]
    assert "What it relies on" in said
    assert "Groups that say the same share their importance" in said
    names = [FEATURE_GROUPS[group["name"]] for group in first["importance"]]
    places = [said.index(f">{name}</th>") for name in names]
    assert places == sorted(places), "the group that matters most stands first"
    assert f"<td>{first['importance'][0]['increase']:.2f}</td>" in said


def test_a_report_of_before_importance_was_measured_has_no_empty_table(trained: Bundle) -> None:
    report = json.loads((trained.path / "report.json").read_text())
    for figures in report["sets"]:
        del figures["importance"]
    (trained.path / "report.json").write_text(json.dumps(report))
    said = words(open_page())
    assert "How near it came" in said
    assert "What it relies on" not in said


def test_the_card_says_which_claims_stand_and_what_alone_tells_the_scores(trained: Bundle) -> None:
    said = unescape(words(open_page()))
    evidence = read_report(trained.path / REPORT).sets[0].evidence
    assert evidence is not None
    assert "Which claims stand" in said
    for claim in judge_claims(evidence):
        assert str(claim) in said
    for control in evidence.controls:
        figures = control.figures
        shown = str(control.missing) if figures is None else f"{figures.ccc.value:.2f}<br>".replace("-", "−")
        assert shown in said
    assert "Scores of" in said
    assert "everybody</th>" in said


def test_a_report_of_before_controls_says_what_is_open(trained: Bundle) -> None:
    report = json.loads((trained.path / REPORT).read_text())
    for figures in report["sets"]:
        del figures["evidence"]
    (trained.path / REPORT).write_text(json.dumps(report))
    said = words(open_page())
    assert "no control stands beside these figures" in said
    assert "Which claims stand" not in said


def test_simulated_heads_say_so(heads: Path, models_here: Path, store: Store) -> None:
    shutil.copytree(heads / "made-up", models_here / "made-up")
    store.settings.set(key=KEY, value=read_bundle(models_here / "made-up").model_id)
    said = words(open_page())
    assert "Simulated labels" in said
    assert "Demonstration only: this head was trained on simulated labels" in said


def test_a_person_makes_a_model_active(trained: Bundle, installation: AppSettings, store: Store) -> None:
    before = find_bundle(SHIPPED)
    app = press(open_page(), "Use this model")
    assert "Use it for new analyses" in labels(app)
    assert active_bundle(installation, store).model_id == before.model_id
    dialog = confirmation(trained, before)
    said = words(dialog).replace("\\", "")
    assert f"New analyses will use **{trained.model_id}** in place of **{before.model_id}**." in said
    assert "Earlier analyses stay as they are, with the model that made them." in said
    assert "fer-phq reanalyse" in said
    press(dialog, "Use it for new analyses")
    assert active_bundle(installation, store).model_id == trained.model_id
    audit = store.audit.list_newest(limit=1)[0]
    assert (audit.actor, audit.object_id, audit.detail) == ("dashboard", KEY, trained.model_id)
    assert f'<span class=\\"fp-name\\">{trained.model_id}' in words(open_page())


def test_a_model_that_was_changed_is_told_and_not_activated(
    trained: Bundle, installation: AppSettings, store: Store
) -> None:
    with (trained.path / "phq.safetensors").open("ab") as file:
        file.write(b"\0")
    app = open_page()
    next(b for b in app.button if b.label == "Check the files" and "clinic" in str(b.key)).click()
    assert "is not the file that was written with the bundle: do not use it" in words(run(app))
    dialog = confirmation(trained, find_bundle(SHIPPED))
    dialog.button(key="activate").click()
    dialog.run()
    assert not dialog.exception
    assert "is not the file that was written with the bundle" in dialog.error[0].value
    assert active_bundle(installation, store).path == SHIPPED


def test_a_whole_model_is_told_so(trained: Bundle) -> None:
    app = open_page()
    next(b for b in app.button if b.label == "Check the files" and "clinic" in str(b.key)).click()
    assert "The weights are those that were written with the bundle" in words(run(app))


def test_the_environment_decides_where_it_is_set(
    trained: Bundle, installation: AppSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dashboard import context

    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(trained.path, elsewhere)
    context.use(load_settings(data_dir=installation.data_dir, port=0, model=str(elsewhere)))
    app = open_page()
    assert "FERPHQ_MODEL is set where the dashboard was started" in words(app)
    choices = [button for button in app.button if button.label == "Use this model"]
    assert len(choices) == 2
    assert all(button.disabled for button in choices)


def test_a_model_that_is_gone_can_be_replaced(trained: Bundle, installation: AppSettings, store: Store) -> None:
    store.settings.set(key=KEY, value="gone-12345678")
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.switch_page("app_pages/models.py")
    app.run()
    assert not app.exception
    assert "gone-12345678 is not on this machine any more" in app.error[0].value.replace("\\", "")
    assert len([label for label in labels(app) if label == "Use this model"]) == 2
    press(confirmation(trained, None), "Use it for new analyses")
    assert active_bundle(installation, store).model_id == trained.model_id


def test_what_others_put_there_cannot_smuggle_or_break(trained: Bundle, models_here: Path) -> None:
    card = "# Title\n\n## Part\n\n![p](http://evil.example/p.png) [a](report.md) [b](https://b.example) <img src=x>"
    (trained.path / "MODEL_CARD.md").write_text(card)
    (trained.path / "report.json").write_text('{"sets": 3}')
    (trained.path / "scatter.png").write_bytes(b"no picture")
    phq = trained.config.phq
    assert phq is not None
    shutil.copytree(SHIPPED, models_here / "hostile")
    config = read_bundle(SHIPPED).config
    write_config(models_here / "hostile", type(config)(**{**vars(config), "name": "<img src=x>"}))
    shown = bundles.load_card(read_bundle(trained.path))
    assert shown == "### Title\n\n#### Part\n\n[p](http://evil.example/p.png) a [b](https://b.example) <img src=x>"
    assert [path.name for path, _, _ in bundles.list_pictures(trained)] == ["calibration.png", "learning_curve.png"]
    app = open_page()
    html = " ".join(str(getattr(node.proto, "body", "")) for node in app.main if node.type == "html")
    assert "<img" not in html
    assert "report.json cannot be read (TypeError); train the head again" in words(app)


def test_a_folder_that_is_no_bundle_hides_no_other(models_here: Path, heads: Path) -> None:
    shutil.copytree(heads / "clinic", models_here / ".clinic.abcd_123")
    (models_here / "old").mkdir()
    shutil.copyfile(SHIPPED / "model.safetensors", models_here / "old" / "model.safetensors")
    (models_here / "old" / "config.json").write_text("{}")
    (models_here / "notes").mkdir()
    found, broken = bundles.load_bundles()
    assert [bundle.path for bundle in found] == [SHIPPED]
    assert [one.path.name for one in broken] == ["old"]


def test_without_the_packages_that_train_the_page_says_how_to_get_them(
    installation: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head_training, "PACKAGES", ("sklearn", "a_package_that_nobody_has"))
    fill_labelled(store, find_bundle(SHIPPED), people=5, sessions=2)
    app = open_page()
    assert "Training needs packages that are not installed here" in words(app)
    assert "Start training" not in labels(app)


def test_a_name_is_asked_for_and_checked(installation: AppSettings, store: Store) -> None:
    fill_labelled(store, find_bundle(SHIPPED), people=5, sessions=2)
    app = press(open_page(), "Start training")
    assert "Give the new model a name first." in words(app)
    app.text_input(key="training_name").set_value("two words")
    next(button for button in app.button if button.label == "Start training").click()
    app.run()
    assert not app.exception
    assert "cannot be a model's name" in app.error[0].value.replace("\\", "")
    assert head_training.status(installation) is None


@pytest.mark.parametrize(("people", "says"), [(12, "only the simplest model"), (20, "Several models are compared")])
def test_the_form_says_what_can_be_learnt(people: int, says: str, store: Store) -> None:
    fill_labelled(store, find_bundle(SHIPPED), people=people, frames=8)
    app = open_page()
    said = words(app)
    assert f"There are {people} analysed sessions of {people} people with a PHQ-8 answered within 14 days" in said
    assert says in said
    app.selectbox(key="training_scale").set_value("PHQ-9")
    assert "There are 0 analysed sessions" in words(run(app))


def test_a_training_is_shown_while_it_runs_and_can_be_cancelled(installation: AppSettings, store: Store) -> None:
    fill_labelled(store, find_bundle(SHIPPED), people=12)
    app = open_page()
    app.text_input(key="training_name").set_value("clinic-2026")
    app.number_input(key="training_days").set_value(7)
    app.checkbox(key="training_quick").set_value(True)
    app = press(app, "Start training")
    state = json.loads((installation.data_dir / "training" / "state.json").read_text())
    assert {"--quick", "7", "PHQ-8"} <= set(state["arguments"])
    said = words(app)
    assert "Training clinic-2026" in said
    assert "It goes on when this page is closed." in said
    assert "Start training" not in labels(app)
    app = press(open_page(), "Cancel")  # another visitor, or the same after a restart
    assert "The training of clinic-2026 was cancelled" in words(app)
    assert "Start training" in labels(app)
    task = head_training.status(installation)
    assert task is not None
    assert task.state is TaskState.CANCELLED


@pytest.mark.slow
def test_a_training_that_failed_says_why(installation: AppSettings, store: Store) -> None:
    head_training.start(installation, "clinic-2026")
    end_of(head_training.status, installation)
    said = words(open_page())
    assert "The training of clinic-2026 failed on" in said
    assert "No session here has a questionnaire answered within 14 days" in said
    assert "What it printed last" in said


@pytest.mark.slow
def test_from_the_button_to_a_head_in_use(installation: AppSettings, store: Store) -> None:
    sessions = fill_labelled(store, find_bundle(SHIPPED), people=12)
    app = open_page()
    app.text_input(key="training_name").set_value("clinic-2026")
    app.checkbox(key="training_quick").set_value(True)
    press(app, "Start training")
    assert end_of(head_training.status, installation).state is TaskState.DONE
    app = open_page()
    said = words(app)
    assert "<b>clinic-2026</b> was trained on" in said
    assert "#model-clinic-2026" in said
    assert active_bundle(installation, store).path == SHIPPED
    press(confirmation(find_bundle("clinic-2026"), find_bundle(SHIPPED)), "Use it for new analyses")
    app = open_page()
    assert f"{len(sessions)} stored sessions can be scored with this model" in words(app)
    press(app, "Score stored sessions again")
    assert end_of(rescoring.status, installation).state is TaskState.DONE
    said = words(open_page())
    assert "Stored sessions were scored with it on" in said
    assert "can be scored" not in said


def test_sessions_of_another_backbone_are_not_offered(trained: Bundle, store: Store) -> None:
    store.settings.set(key=KEY, value=trained.model_id)
    subject = store.subjects.create(label="P-1")
    session = new_session(store, subject.id)
    store.analyses.save(session_id=session.id, analysis=sample_analysis(sample_recording(), face_kind="other-1"))
    assert "Score stored sessions again" not in labels(open_page())


def test_words_for_modalities_are_a_list() -> None:
    from dashboard.i18n.vocabulary import modality_list

    sets: Sequence[tuple[Modality, ...]] = (
        (Modality.FACE,),
        (Modality.FACE, Modality.VOICE),
        tuple(Modality),
    )
    assert [modality_list(one) for one in sets] == [
        *("face", "face and voice", "face, voice, words and facial behaviour"),
    ]


def test_two_models_are_compared_on_the_sessions_of_both(store: Store, trained: Bundle) -> None:
    assert "Compare two models" not in words(open_page())
    shipped = read_bundle(SHIPPED).model_id
    subject = store.subjects.create(label="<i>A</i>")
    for number in range(3):
        name = f"{number}.mp4"
        session = new_session(store, subject.id, name)
        for model_id, seed in ((shipped, number), (trained.model_id, number + 9)):
            analysis = sample_analysis(sample_recording(name), model_id=model_id, seed=seed)
            store.analyses.save(session_id=session.id, analysis=analysis)
    app = open_page()
    said = words(app)
    assert "Compare two models" in said
    assert "3 sessions of 1 person" in said
    assert app.selectbox(key="compare_a").value == shipped
    assert app.selectbox(key="compare_b").value == trained.model_id
    assert "0.0 points, 90% of sessions between" in said
    assert "simulated labels" in said
    assert "<i>A" not in said


def test_models_without_a_session_in_common_say_so(store: Store) -> None:
    subject = store.subjects.create(label="A")
    for model_id in ("one", "two"):
        session = new_session(store, subject.id, f"{model_id}.mp4")
        analysis = sample_analysis(sample_recording(f"{model_id}.mp4"), model_id=model_id)
        store.analyses.save(session_id=session.id, analysis=analysis)
    assert "No session in common" in words(open_page())


def test_every_group_of_features_has_words() -> None:
    """Those of series that fer-phq measures, and of any other software's."""
    from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
    from fer_phq.features.functionals import functionals
    from training.simulation.sessions import Cohort, simulate

    measured = simulate(Cohort(1, seconds=(20, 30)), 0).data.features[0]
    values = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    series = FeatureSeries(values, np.arange(30.0), "openface-2")
    imported = SessionFeatures(face=series, voice=series, words=series, behaviour=series)
    for features in (measured, imported):
        assert set(functionals(features, tuple(Modality)).blocks) <= FEATURE_GROUPS.keys()
