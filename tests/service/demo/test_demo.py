"""The demonstration: clips as they are scripted, real analyses of them, and marks on everything."""

import fcntl
import hashlib
import sys

import av
import numpy as np
import pytest

from db.records import JobState, QuestionnaireSource
from db.store import Store
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError, StoreError
from service import cli
from service.demo import create_demo, queue_demo, remove_demo
from service.demo.content import CLIPS, CLIPS_DIR, CONSENT_TEXT, LABEL, QUESTIONNAIRES, DemoClip
from service.ingest.media import MediaStore
from service.settings import AppSettings
from training.simulation.puppet.clips import FPS, render_clips
from training.simulation.puppet.portrait import SIZE, Puppet
from training.simulation.puppet.script import SCRIPTS, Performance, Script

SHORT_SCRIPTS = (
    Script(1, 6, {"rest": 1, "downcast": 2}, 1.0, 0.2, leaves=((3, 4),)),
    Script(2, 5, {"glad": 1, "content": 1}, 1.0, 0.8),
)


@pytest.fixture(scope="module")
def short_clips(tmp_path_factory):
    paths = render_clips(tmp_path_factory.mktemp("clips"), SHORT_SCRIPTS)
    return tuple(DemoClip(*clip) for clip in zip((1, 2), (4, 1), paths, strict=True))


@pytest.fixture(scope="module")
def made(tmp_path_factory, short_clips):
    """An installation with a short demonstration: its settings, what the run said, and what it reported."""
    settings = AppSettings(data_dir=tmp_path_factory.mktemp("demo") / "data", min_free_bytes=0)
    lines = []
    report = create_demo(settings, lines.append, short_clips)
    return settings, lines, report


@pytest.fixture
def demo_store(made):
    with Store(made[0].database_url) as store:
        yield store


def quietly(line):
    """Progress that nobody reads."""


def demo_sessions(store):
    """The demonstration's sessions, oldest first."""
    (subject,) = [s for s in store.subjects.list_all() if s.is_demo]
    return store.sessions.list_recent(subject_id=subject.id)[::-1]


# The clips that ship


def test_the_clips_that_ship_are_those_of_the_scripts():
    assert [clip.path.name for clip in CLIPS] == [script.name for script in SCRIPTS]
    assert sorted(CLIPS_DIR.iterdir()) == [clip.path for clip in CLIPS]
    assert [clip.weeks_ago for clip in CLIPS] == sorted((clip.weeks_ago for clip in CLIPS), reverse=True)
    assert sum(clip.path.stat().st_size for clip in CLIPS) < 2e6


@pytest.mark.parametrize(("clip", "script"), [*zip(CLIPS, SCRIPTS, strict=True)], ids=[s.name for s in SCRIPTS])
def test_a_clip_that_ships_shows_what_its_script_says(clip, script):
    """Rendered anew it is the same but for the compression; `python -m training.simulation.puppet` renders it."""
    with av.open(str(clip.path)) as recording:
        assert not recording.streams.audio
        pictures = [frame.to_ndarray(format="rgb24") for frame in recording.decode(video=0)]
    assert len(pictures) == script.seconds * FPS
    assert pictures[0].shape == (SIZE[1], SIZE[0], 3)
    puppet = Puppet()
    performance = Performance(script)
    for number in np.linspace(0, len(pictures) - 1, 12).astype(int):
        difference = puppet.draw(performance.pose(number / FPS)).astype(int) - pictures[number]
        blocks = difference.reshape(30, 10, 40, 10, 3).mean(axis=(1, 3, 4))
        assert np.abs(blocks).max() < 10, number  # another expression differs by 16 and more


# In the store


@pytest.mark.slow
def test_the_model_reads_different_schedules_differently(made, demo_store):
    downcast, glad = (summary.analysis.emotions for summary in demo_sessions(demo_store))
    assert glad["happiness"] > downcast["happiness"] + 0.3
    assert sum(glad.values()) == pytest.approx(1, abs=1e-4)
    assert set(glad) == set(EMOTIONS)


def test_the_analyses_come_with_their_measures(made, demo_store):
    sad, happy = (demo_store.measures.get(analysis_id=summary.analysis.id) for summary in demo_sessions(demo_store))
    assert happy["smiling_share"] > sad["smiling_share"] + 0.3
    assert "pitch_mean" not in happy, "the puppet is silent"


def test_everything_is_marked(made, demo_store, short_clips):
    (subject,) = demo_store.subjects.list_all()
    assert (subject.label, subject.is_demo, subject.analysed_sessions) == (LABEL, True, 2)
    for summary, clip in zip(demo_sessions(demo_store), short_clips, strict=True):
        assert summary.session.is_demo
        assert summary.session.original_name == clip.path.name
        assert summary.session.consent.text_version == CONSENT_TEXT
        assert summary.job is None  # nothing is left to a worker
        weeks = (subject.created_at - summary.session.recorded_at).total_seconds() / (7 * 24 * 3600)
        assert weeks == pytest.approx(clip.weeks_ago, abs=1e-4)


def test_the_analyses_are_the_models_own(made, demo_store):
    settings, lines, report = made
    assert (report.analysed, report.existing, report.questionnaires) == (2, 0, len(QUESTIONNAIRES))
    assert len(lines) == 3
    assert "Session 2 of 2" in lines[2]
    summary = demo_sessions(demo_store)[0]
    line = demo_store.analyses.load(analysis_id=summary.analysis.id).timeline
    away = (line.time_s >= 3) & (line.time_s <= 4)
    assert len(line) == 12
    assert not line.has_face[away].any()
    assert line.has_face[line.time_s < 2].all()
    stored = MediaStore(settings).path_of(summary.session.media_path)
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == summary.session.media_sha256
    assert list(settings.incoming_dir.iterdir()) == []


def test_the_questionnaires_are_marked_and_never_touch_item_9(made, demo_store):
    (subject,) = demo_store.subjects.list_all()
    answered = demo_store.questionnaires.list_by_subject(subject_id=subject.id)
    assert [(q.total, q.difficulty) for q in answered[::-1]] == [(sum(q.items), q.difficulty) for q in QUESTIONNAIRES]
    assert all(q.source is QuestionnaireSource.DEMO and q.items[8] == 0 and not q.item9_flag for q in answered)
    assert not [item for item in demo_store.triage.list_items() if item.kind == "item_9"]


def test_the_recordings_wait_for_a_worker_where_they_are_queued(settings, store, short_clips):
    assert queue_demo(settings, store, short_clips) == 2
    (subject,) = store.subjects.list_all()
    assert subject.is_demo
    rows = demo_sessions(store)
    assert [row.session.original_name for row in rows] == [clip.path.name for clip in short_clips]
    assert all(row.session.consent.text_version == CONSENT_TEXT for row in rows)
    assert [row.job.state for row in rows] == [JobState.QUEUED] * 2
    assert len(store.questionnaires.list_by_subject(subject_id=subject.id)) == len(QUESTIONNAIRES)
    assert queue_demo(settings, store, short_clips) == 0
    assert len(store.jobs.list_newest()) == 2


def test_the_second_run_changes_nothing(made, demo_store, short_clips):
    before = [(s.session, s.analysis) for s in demo_sessions(demo_store)]
    lines = []
    report = create_demo(made[0], lines.append, short_clips)
    assert (report.analysed, report.existing, report.questionnaires) == (0, 2, 0)
    assert "is there already" in report.sentence
    assert lines == []
    assert [(s.session, s.analysis) for s in demo_sessions(demo_store)] == before


def test_a_renamed_demonstration_is_still_it(made, demo_store, short_clips):
    (subject,) = demo_store.subjects.list_all()
    demo_store.subjects.rename(subject_id=subject.id, label="Showcase")
    try:
        assert create_demo(made[0], quietly, short_clips).analysed == 0
        assert [s.label for s in demo_store.subjects.list_all()] == ["Showcase"]
    finally:
        demo_store.subjects.rename(subject_id=subject.id, label=LABEL)


@pytest.mark.slow
def test_a_killed_run_is_completed_and_the_rest_removed(settings, store, short_clips):
    store.subjects.create(label="A person")

    def until_the_first_session(line):
        if line.startswith("Session 1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_demo(settings, until_the_first_session, short_clips)
    (first,) = demo_sessions(store)
    store.erasure.erase_analysis(analysis_id=first.analysis.id)  # as if killed between the two transactions

    assert create_demo(settings, quietly, short_clips).analysed == 2
    again, _ = demo_sessions(store)
    assert again.session == first.session
    assert again.analysis.emotions == pytest.approx(first.analysis.emotions, abs=1e-4)

    removed = remove_demo(settings)
    assert (removed.subjects, removed.sessions) == (1, 2)
    assert [subject.label for subject in store.subjects.list_all()] == ["A person"]
    assert [path for path in settings.media_dir.rglob("*") if path.is_file()] == []
    assert remove_demo(settings).sentence == "There is no demonstration to erase."


def test_a_persons_own_subject_is_left_alone(settings, store, short_clips):
    store.subjects.create(label=LABEL)
    with pytest.raises(StoreError, match="is not the demonstration: rename it"):
        create_demo(settings, quietly, short_clips)
    assert remove_demo(settings).subjects == 0
    assert store.subjects.find(label=LABEL)


def test_two_runs_at_once_are_refused(settings, short_clips):
    with (settings.data_dir / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(FerPhqError, match="at work here"):
            create_demo(settings, quietly, short_clips)


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
