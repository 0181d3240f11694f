"""The demonstration: clips as they are scripted, real analyses of them, and marks on everything."""

import fcntl
import hashlib
import sys

import av
import numpy as np
import pytest

from db.records import JobState, QuestionnaireSource
from db.store import Store
from fer_phq.core.analysis import Settings
from fer_phq.core.errors import FerPhqError, StoreError
from fer_phq.core.phq import Modality, Provenance
from fer_phq.core.sidecar import Sidecar
from fer_phq.models.model import load_model
from fer_phq.pipeline.session import analyze
from fer_phq.video.writer import write_video
from fer_phq.words import read_transcript
from service import cli
from service.demo import create_demo, queue_demo, remove_demo
from service.demo.content import CLIPS, CLIPS_DIR, CONSENT_TEXT, LABEL, QUESTIONNAIRES, SPEAKER, DemoClip
from service.ingest.media import MediaStore
from service.settings import AppSettings
from training.simulation.conversation import INTERVIEWER, SUBJECT, Cue, write_webvtt
from training.simulation.puppet.clips import FPS, render_pictures
from training.simulation.puppet.portrait import SIZE, Puppet
from training.simulation.puppet.script import SCRIPTS, Performance, Script
from training.simulation.puppet.voice import compute_lip_openings

SHORT_SCRIPTS = (
    Script(1, 16, 6, leaves=((3, 4),)),
    Script(2, 4, 5),
)
CUES = (Cue(0.2, 0.9, INTERVIEWER, "How was the week?"), Cue(1.2, 2.9, SUBJECT, "I walked to the shop near my house."))


@pytest.fixture(scope="module")
def short_clips(tmp_path_factory):
    """Clips of a few seconds, without sound."""
    folder = tmp_path_factory.mktemp("clips")
    puppet = Puppet()
    for script in SHORT_SCRIPTS:
        write_video(folder / script.name, render_pictures(Performance(script), puppet), SIZE, FPS)
        write_webvtt(folder / script.transcript_name, CUES)
    return tuple(
        DemoClip(script.number, weeks_ago, folder / script.name, folder / script.transcript_name)
        for script, weeks_ago in zip(SHORT_SCRIPTS, (4, 1), strict=True)
    )


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
    assert [clip.transcript.name for clip in CLIPS] == [script.transcript_name for script in SCRIPTS]
    assert sorted(CLIPS_DIR.iterdir()) == sorted(path for clip in CLIPS for path in (clip.path, clip.transcript))
    assert [clip.weeks_ago for clip in CLIPS] == sorted((clip.weeks_ago for clip in CLIPS), reverse=True)
    assert sum(clip.path.stat().st_size for clip in CLIPS) < 2e6


def test_the_client_of_the_scripts_is_as_ill_as_the_questionnaires_say():
    weeks = [questionnaire.weeks_ago for questionnaire in QUESTIONNAIRES]
    totals = [sum(questionnaire.items) for questionnaire in QUESTIONNAIRES]
    for clip, script in zip(CLIPS, SCRIPTS, strict=True):
        assert script.total == pytest.approx(np.interp(-clip.weeks_ago, np.negative(weeks), totals), abs=0.6)


@pytest.mark.parametrize(("clip", "script"), [*zip(CLIPS, SCRIPTS, strict=True)], ids=[s.name for s in SCRIPTS])
def test_a_clip_that_ships_shows_what_its_script_says(clip, script):
    """Rendered anew it is the same but for the compression; `python -m training.simulation.puppet` renders it."""
    with av.open(str(clip.path)) as recording:
        pictures = [frame.to_ndarray(format="rgb24") for frame in recording.decode(video=0)]
    with av.open(str(clip.path)) as recording:
        sound = np.concatenate([block.to_ndarray()[0] for block in recording.decode(audio=0)])
        rate = recording.streams.audio[0].rate
    cues = [Cue(u.start_s, u.end_s, u.speaker, u.text) for u in read_transcript(clip.transcript).utterances]
    performance = Performance(script, compute_lip_openings(sound, rate, cues))
    assert len(pictures) == script.seconds * FPS
    assert len(sound) / rate == pytest.approx(script.seconds, abs=0.1)
    assert pictures[0].shape == (SIZE[1], SIZE[0], 3)
    puppet = Puppet()
    for number in np.linspace(0, len(pictures) - 1, 12).astype(int):
        difference = puppet.draw(performance.pose(number / FPS)).astype(int) - pictures[number]
        blocks = difference.reshape(30, 10, 40, 10, 3).mean(axis=(1, 3, 4))
        assert np.abs(blocks).max() < 10, number  # another expression differs by 16 and more


def test_the_shipped_heads_estimates_of_the_clips_follow_the_questionnaires():
    model = load_model()
    scores = []
    for clip, script in zip(CLIPS, SCRIPTS, strict=True):
        analysis = analyze(clip.path, model, Settings(face_rate=0), sidecar=Sidecar(clip.transcript, SPEAKER))
        assert analysis.phq.provenance is Provenance.SIMULATED
        assert analysis.phq.low <= script.total <= analysis.phq.high, script
        assert analysis.voice is not None
        scores.append(analysis.phq.score)
    assert np.all(np.diff(scores) < 0.5), scores
    assert scores[0] - scores[-1] > 4, scores


# In the store


def test_the_analyses_come_with_their_measures(made, demo_store):
    for summary in demo_sessions(demo_store):
        measures = demo_store.measures.get(analysis_id=summary.analysis.id)
        assert measures["neutral_share"] + measures["smiling_share"] <= 1
        assert "pitch_mean" not in measures, "these clips are silent"


def test_the_transcripts_are_stored_and_their_words_read(made, demo_store, short_clips):
    for summary, clip in zip(demo_sessions(demo_store), short_clips, strict=True):
        transcript = demo_store.transcripts.get(session_id=summary.session.id)
        assert (transcript.document, transcript.speaker) == (clip.transcript.read_bytes(), SPEAKER)
        assert Modality.WORDS in demo_store.features.load_series(analysis_id=summary.analysis.id)


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
