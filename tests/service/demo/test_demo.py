"""The demonstration: a puppet that a detector takes for a face, real analyses of it, and marks on everything."""

import dataclasses
import fcntl
import hashlib
import sys

import numpy as np
import pytest

from db.records import QuestionnaireSource
from db.store import Store
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError, RecordingError, StoreError
from fer_phq.faces import FaceDetector
from fer_phq.video import probe
from service import cli
from service.demo import create_demo, remove_demo
from service.demo.film import render
from service.demo.puppet import PORTRAIT, SIZE, Pose, Puppet
from service.demo.script import EXPRESSIONS, SCRIPTS, Performance, Script
from service.demo.subject import CONSENT_TEXT, LABEL, QUESTIONNAIRES
from service.demo.warps import FACE, Warps
from service.ingest.media import MediaStore
from service.settings import AppSettings

SHORT = (
    Script(1, 4, 6, {"rest": 1, "downcast": 2}, 1.0, 0.2, leaves=((3, 4),)),
    Script(2, 1, 5, {"glad": 1, "content": 1}, 1.0, 0.8),
)


@pytest.fixture(scope="module")
def puppet():
    return Puppet()


@pytest.fixture(scope="module")
def detector():
    return FaceDetector(threads=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An installation with a short demonstration: its settings, what the run said, and what it reported."""
    settings = AppSettings(data_dir=tmp_path_factory.mktemp("demo") / "data", min_free_bytes=0)
    lines = []
    report = create_demo(settings, lines.append, SHORT)
    return settings, lines, report


@pytest.fixture
def demo_store(made):
    with Store(made[0].database_url) as store:
        yield store


def quietly(line):
    """Progress that nobody reads."""


def demo_sessions(store):
    """The demonstration's sessions, oldest first."""
    (subject,) = [s for s in store.list_subjects() if s.is_demo]
    return store.recent_sessions(subject_id=subject.id)[::-1]


# The puppet


def test_the_puppet_does_what_the_portrait_does_and_says_that_it_is_rendered(puppet):
    picture = puppet.draw(Pose(smile=1, teeth=1, **{k: v for k, v in PORTRAIT.items() if k != "smile"}))
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    assert picture.dtype == np.uint8
    caption = picture[-20:].astype(int)
    assert (caption.min(), caption.max()) == (20, 255)  # white letters on a dark strip, on every picture
    np.testing.assert_array_equal(puppet.draw(Pose(cover=1))[-20:], picture[-20:])


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_expression_is_a_face(name, puppet, detector):
    (face,) = detector.detect([puppet.draw(EXPRESSIONS[name])])[0]
    assert face.score > 0.7


def test_a_movement_stays_where_it_belongs(puppet):
    rest = puppet.draw(Pose()).astype(int)
    for name in ("smile", "jaw", "brow_up", "lids"):
        change = np.abs(puppet.draw(Pose(**{name: 1.0})).astype(int) - rest).max(axis=2)
        assert change.max() > 40
        assert change[:40].max() == change[260:].max() == change[:, :100].max() == change[:, 300:].max() == 0


def test_no_movement_folds_the_skin():
    warps = Warps()
    for name, (dx, dy) in warps.moves.items():
        assert np.gradient(dx, axis=1).max() < 1, name
        assert np.gradient(dy, axis=0).max() < 1, name
        edges = np.concatenate([dx[0], dx[-1], dx[:, 0], dx[:, -1], dy[0], dy[-1], dy[:, 0], dy[:, -1]])
        assert np.abs(edges).max() < 1.0, name  # the face's border fades over six pixels
    assert warps.x.shape == (FACE[3] - FACE[1], FACE[2] - FACE[0])


# What happens in a session


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_can_be_played(script):
    performance, again = Performance(script), Performance(script)
    times = np.arange(0, script.seconds, 0.25)
    poses = [performance.pose(t) for t in times]
    assert poses == [again.pose(t) for t in times]
    values = np.array([dataclasses.astuple(pose) for pose in poses])
    assert np.isfinite(values).all()
    shares = [f.name for f in dataclasses.fields(Pose) if f.name not in ("shift_x", "shift_y", "zoom", "tilt")]
    assert all(0 <= getattr(pose, name) <= 1 for pose in poses for name in shares)
    assert set(script.mood) <= set(EXPRESSIONS)
    assert all(0 < start < end < script.seconds for start, end in (*script.leaves, *script.covers))


def test_the_sessions_differ_and_some_have_gaps():
    assert len(SCRIPTS) == 6
    assert len({script.name for script in SCRIPTS}) == 6
    assert [s.weeks_ago for s in SCRIPTS] == sorted((s.weeks_ago for s in SCRIPTS), reverse=True)
    assert sum(bool(s.leaves) for s in SCRIPTS) >= 2
    assert sum(bool(s.covers) for s in SCRIPTS) >= 2


def test_no_face_is_seen_while_the_puppet_is_away_or_covered(puppet, detector):
    script = Script(9, 1, 12, {"glad": 1}, 1.0, 1.0, leaves=((2, 4),), covers=((7, 9),))
    performance = Performance(script)
    seen = [len(found) for found in detector.detect([puppet.draw(performance.pose(t)) for t in (0.5, 3, 5.5, 8, 11)])]
    assert seen == [1, 0, 1, 0, 1]


def test_a_recording_is_rendered_the_same_twice(puppet, tmp_path):
    script = Script(3, 1, 1.5, {"glad": 1}, 1.0, 1.0)
    for name in ("a.mp4", "b.part"):
        render(script, puppet, tmp_path / name)
    info = probe(tmp_path / "a.mp4")
    assert (info.width, info.height) == SIZE
    assert info.duration_s == pytest.approx(1.5)
    assert hashlib.sha256((tmp_path / "b.part").read_bytes()).hexdigest() == info.sha256


def test_a_recording_that_cannot_be_written_is_one_sentence(puppet, tmp_path):
    with pytest.raises(RecordingError, match=r"could not be rendered: .+\.$"):
        render(SHORT[1], puppet, tmp_path / "missing" / "a.mp4")


# In the store


def test_the_model_reads_different_schedules_differently(made, demo_store):
    downcast, glad = (summary.analysis.emotions for summary in demo_sessions(demo_store))
    assert glad["happiness"] > downcast["happiness"] + 0.3
    assert sum(glad.values()) == pytest.approx(1, abs=1e-4)
    assert set(glad) == set(EMOTIONS)


def test_the_analyses_come_with_their_measures(made, demo_store):
    sad, happy = (demo_store.get_measures(analysis_id=summary.analysis.id) for summary in demo_sessions(demo_store))
    assert happy["smiling_share"] > sad["smiling_share"] + 0.3
    assert "pitch_mean" not in happy, "the puppet is silent"


def test_everything_is_marked(made, demo_store):
    (subject,) = demo_store.list_subjects()
    assert (subject.label, subject.is_demo, subject.analysed_sessions) == (LABEL, True, 2)
    for summary, script in zip(demo_sessions(demo_store), SHORT, strict=True):
        assert summary.session.is_demo
        assert summary.session.original_name == script.name
        assert summary.session.consent.text_version == CONSENT_TEXT
        assert summary.job is None  # nothing is left to a worker
        weeks = (subject.created_at - summary.session.recorded_at).total_seconds() / (7 * 24 * 3600)
        assert weeks == pytest.approx(script.weeks_ago, abs=1e-4)


def test_the_analyses_are_the_models_own(made, demo_store):
    settings, lines, report = made
    assert (report.analysed, report.there, report.questionnaires) == (2, 0, len(QUESTIONNAIRES))
    assert len(lines) == 3
    assert "Session 2 of 2" in lines[2]
    summary = demo_sessions(demo_store)[0]
    line = demo_store.load_analysis(analysis_id=summary.analysis.id).timeline
    away = (line.time_s >= 3) & (line.time_s <= 4)
    assert len(line) == 12
    assert not line.has_face[away].any()
    assert line.has_face[line.time_s < 2].all()
    stored = MediaStore(settings).path_of(summary.session.media_path)
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == summary.session.media_sha256
    assert list(settings.incoming_dir.iterdir()) == []


def test_the_questionnaires_are_marked_and_never_touch_item_9(made, demo_store):
    (subject,) = demo_store.list_subjects()
    answered = demo_store.list_questionnaires(subject_id=subject.id)
    assert [(q.total, q.difficulty) for q in answered[::-1]] == [
        (sum(items), last) for _, items, last in QUESTIONNAIRES
    ]
    assert all(q.source is QuestionnaireSource.DEMO and q.items[8] == 0 and not q.item9_flag for q in answered)
    assert not [item for item in demo_store.needs_attention() if item.kind == "item_9"]


def test_the_second_run_changes_nothing(made, demo_store):
    before = [(s.session, s.analysis) for s in demo_sessions(demo_store)]
    lines = []
    report = create_demo(made[0], lines.append, SHORT)
    assert (report.analysed, report.there, report.questionnaires) == (0, 2, 0)
    assert "is there already" in report.sentence
    assert lines == []
    assert [(s.session, s.analysis) for s in demo_sessions(demo_store)] == before


def test_a_renamed_demonstration_is_still_it(made, demo_store):
    (subject,) = demo_store.list_subjects()
    demo_store.rename_subject(subject_id=subject.id, label="Showcase")
    try:
        assert create_demo(made[0], quietly, SHORT).analysed == 0
        assert [s.label for s in demo_store.list_subjects()] == ["Showcase"]
    finally:
        demo_store.rename_subject(subject_id=subject.id, label=LABEL)


def test_a_killed_run_is_completed_and_the_rest_removed(settings, store):
    store.create_subject(label="A person")

    def until_the_first_session(line):
        if line.startswith("Session 1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_demo(settings, until_the_first_session, SHORT)
    (first,) = demo_sessions(store)
    store.erase_analysis(analysis_id=first.analysis.id)  # as if killed between the two transactions

    assert create_demo(settings, quietly, SHORT).analysed == 2
    again, _ = demo_sessions(store)
    assert again.session == first.session
    assert again.analysis.emotions == pytest.approx(first.analysis.emotions, abs=1e-4)

    removed = remove_demo(settings)
    assert (removed.subjects, removed.sessions) == (1, 2)
    assert [subject.label for subject in store.list_subjects()] == ["A person"]
    assert [path for path in settings.media_dir.rglob("*") if path.is_file()] == []
    assert remove_demo(settings).sentence == "There is no demonstration to erase."


def test_a_persons_own_subject_is_left_alone(settings, store):
    store.create_subject(label=LABEL)
    with pytest.raises(StoreError, match="is not the demonstration: rename it"):
        create_demo(settings, quietly, SHORT)
    assert remove_demo(settings).subjects == 0
    assert store.find_subject(label=LABEL)


def test_two_runs_at_once_are_refused(settings):
    with (settings.data_dir / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(FerPhqError, match="at work here"):
            create_demo(settings, quietly, SHORT)


# The command


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--remove"], 0, "There is no demonstration to erase."),
        (["--remove", "--reset"], 1, "choose one"),
        (["--help"], 0, "fer-phq demo --reset"),
    ],
)
def test_the_command_without_making_anything(options, code, said, settings, monkeypatch, capsys):
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr(sys, "argv", ["fer-phq", "demo", *options])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (ended.value.code or 0) == code
    out = capsys.readouterr()
    assert said in " ".join((out.out + out.err).split())


@pytest.mark.slow
def test_the_command_makes_the_whole_demonstration_anew(settings, store, monkeypatch, capsys):
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(settings.data_dir))
    for options, said in ([], "6 sessions analysed"), (["--reset"], "6 sessions analysed"), ([], "is there already"):
        monkeypatch.setattr(sys, "argv", ["fer-phq", "demo", *options])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert (ended.value.code or 0) == 0
        assert said in capsys.readouterr().out
    sessions = demo_sessions(store)
    assert len(sessions) == 6
    assert len({s.analysis.dominant_emotion for s in sessions}) >= 2
    assert min(s.analysis.coverage for s in sessions) < 1
