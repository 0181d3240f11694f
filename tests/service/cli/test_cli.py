"""The command line as a person runs it: real files, the real model, a process of its own where it matters."""

import csv
import json
import re
import resource
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sounds
from behaviour_samples import sample_behaviour
from typer.main import get_command
from typer.testing import CliRunner

import fer_phq
import service.demo
from db.store import Store
from fer_phq.behaviour.files.tables import closure_table
from fer_phq.behaviour.measures import closures
from fer_phq.core.emotions import EMOTIONS
from fer_phq.features.files import read_features
from fer_phq.models.checkpoint import SHIPPED, read_bundle
from service import cli
from service.cli.analysis import recordings as recordings_cli
from service.cli.commands import COMMANDS
from service.views import data_dictionary

ONE_MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A directory of mixed files: one good recording, a text, an empty file, a note."""
    from recordings import make_recording

    folder = tmp_path_factory.mktemp("mixed")
    make_recording(folder / "good.mp4", seconds=5, fps=4, audio=True, motion="moving")
    (folder / "text.mp4").write_text("not a video")
    (folder / "empty.mkv").write_bytes(b"")
    (folder / "notes.txt").write_text("ignored")
    return folder


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line's own entry point in this process, as the console script does."""

    def run(*args: str, data_dir: Path | None = None) -> Done:
        monkeypatch.setattr(sys, "argv", ["fer-phq", *args])
        if data_dir:
            monkeypatch.setenv("FERPHQ_DATA_DIR", str(data_dir))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


def commands(command, path=()):
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


ALL = {" ".join(path): command for path, command in commands(get_command(cli.app)) if path}


def test_the_version_is_said(run):
    assert run("--version") == Done(0, f"fer-phq {fer_phq.__version__}\n", "")


@pytest.mark.parametrize("name", ALL)
def test_every_command_has_help_with_an_example(name):
    command = ALL[name]
    assert command.help
    if not getattr(command, "commands", None):
        assert f"fer-phq {name}" in command.help, "an example shows the command itself"


def test_every_command_is_known():
    expected = {
        "analyze",
        "dashboard",
        "worker",
        "up",
        "db upgrade",
        "models list",
        "models show",
        "models verify",
        "models export",
        "train emotion",
        "evaluate emotion",
        "demo",
        "choose-faces",
    }
    assert expected <= set(ALL)


def test_json_is_one_document_a_recording_and_nothing_else(run, folder):
    done = run("analyze", str(folder), "--json")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) == 1
    document = json.loads(lines[0])
    assert document["recording"]["path"].endswith("good.mp4")
    assert list(document["emotions"]) == list(EMOTIONS)
    assert len(document["timeline"]) == document["sampling"]["frames_sampled"] == 10
    assert document["phq"]["provenance"] == "simulated"
    errors = done.stderr.splitlines()
    assert sum(line.startswith("Error: ") for line in errors) == 2
    assert errors[-1] == "2 of 3 recordings could not be analysed."
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_console_command_ends_as_its_exit_code_says():
    command = [sys.executable, "-m", "service.cli", "analyze", "nowhere.mp4", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_the_sound_is_chosen_on_the_command_line(run, tmp_path):
    therapist, subject = sounds.talk(110, 4)[0], sounds.talk(210, 4)[0]
    tracks = [therapist, np.stack([subject, np.zeros_like(subject)], axis=1)]
    path = str(sounds.write_tracks(tmp_path / "s.mkv", tracks, titles=["therapist"], pictures=True))
    done = run("analyze", path, "--sound-track", "3")
    assert done.returncode == 1
    assert "There is no sound track 3; the recording's sound tracks are: 1 (therapist), 2." in done.stderr
    for options, hertz in ((("--sound-track", "1"), 110), (("--sound-track", "2", "--sound-channel", "left"), 210)):
        done = run("analyze", path, *options, "--features", str(tmp_path / f"{hertz}"))
        assert done.returncode == 0
        (features,) = (tmp_path / f"{hertz}").glob("*.npz")
        voice = read_features(features).voice
        semitones = voice.values[:, voice.names.index("f0_semitones")]
        assert np.nanmedian(semitones) == pytest.approx(12 * np.log2(hertz / 27.5), abs=1.5)
        assert "sound track" not in done.stdout


def check_against_dictionary(rows, entry):
    """A file's columns are those of its dictionary, and its numbers lie in the ranges that it states."""
    assert list(rows[0]) == [column.name for column in entry.columns]
    for column in entry.columns:
        cells = [row[column.name] for row in rows]
        assert column.empty != "never" or all(cells), column.name
        low, _, high = column.unit.rpartition(", ")[2].partition(" to ")
        if column.unit not in ("true or false", "text"):
            numbers = [float(cell) for cell in cells if cell]
            assert numbers, column.name
            assert min(numbers) >= float(low.removesuffix(" and more")), column.name
            assert not high or max(numbers) <= float(high), column.name


def test_a_face_rate_adds_the_behaviour_to_json_and_csv(run, tmp_path):
    clip = Path(service.demo.__file__).parent / "clips" / "demonstration-1.mp4"
    done = run("analyze", str(clip), "--face-rate", "8", "--json", "--csv", str(tmp_path), data_dir=tmp_path / "data")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["behaviour"]["rate"] == 8
    assert 0.5 < document["behaviour"]["coverage"] <= document["coverage"] + 0.05
    assert document["behaviour"]["measures"]["blink_rate_per_min"] is None  # eight frames a second are too few
    assert any("Blinks are not counted" in warning for warning in document["warnings"])
    (series,) = tmp_path.glob("demonstration-1-*.behaviour.csv")
    rows = list(csv.DictReader(series.open(newline="")))
    assert list(rows[0])[:12] == [
        *("time_s", "duration_s", "presence", "pitch_deg", "yaw_deg", "roll_deg", "gaze_pitch_deg", "gaze_yaw_deg"),
        *("eye_open_left", "eye_open_right", "mouth_open", "_neutral"),
    ]
    check_against_dictionary(rows, data_dictionary.BEHAVIOUR_SERIES)
    yaws = [float(row["yaw_deg"]) for row in rows if row["yaw_deg"]]
    assert np.mean(yaws) == pytest.approx(document["behaviour"]["measures"]["yaw_mean_deg"], abs=0.2)
    (blinks,) = tmp_path.glob("demonstration-1-*.blinks.csv")
    assert blinks.read_text().strip() == "onset_s,closed_s,reopened_s,offset_s,complete"


def test_each_column_of_blinks_is_in_the_dictionary(tmp_path):
    series = sample_behaviour()
    path = tmp_path / "blinks.csv"
    closure_table(closures(series)).to_csv(path, index=False)
    rows = list(csv.DictReader(path.open(newline="")))
    assert len(rows) == 12
    check_against_dictionary(rows, data_dictionary.BLINKS)


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """Twelve seconds of a low and a high voice in turn."""
    blocks = [sounds.silence(0.6)]
    for number, hertz in enumerate((105, 230, 105)):
        blocks += [sounds.talk(hertz, 3.2, seed=number, pause_every_s=99)[0], sounds.silence(0.6)]
    return sounds.write_wav(tmp_path_factory.mktemp("talk") / "talk.wav", np.concatenate(blocks))


def test_who_speaks_when_is_added_to_json_and_csv(run, recordings, talk, tmp_path):
    path = recordings(seconds=12, fps=2)
    options = ("--audio", str(talk), "--json", "--csv", str(tmp_path))
    done = run("analyze", str(path), *options, "--speech")
    assert done.returncode == 0
    speech = json.loads(done.stdout)["speech"]
    assert speech["subject"] == {"speaker": None, "chosen_by": None, "unknown_because": "no_mouth"}
    (file,) = tmp_path.glob("*.turns.csv")
    rows = list(csv.DictReader(file.open(newline="")))
    check_against_dictionary(rows, data_dictionary.TURNS)
    assert {row["is_subject"] for row in rows} == {""}
    for speaker in speech["speakers"]:
        own = [row for row in rows if row["speaker"] == str(speaker["speaker"])]
        assert len(own) == speaker["turns"]
        seconds = sum(float(row["end_s"]) - float(row["start_s"]) for row in own)
        assert seconds == pytest.approx(speaker["speech_s"], abs=0.01)
    file.unlink()
    done = run("analyze", str(path), *options, "--no-speech")
    assert json.loads(done.stdout)["speech"] is None
    assert not list(tmp_path.glob("*.turns.csv"))


def test_recognised_words_are_added_to_csv_where_they_are_asked_for(run, recordings, tmp_path):
    spec = find_spec("moonshine_voice")
    if spec is None:
        pytest.skip("needs the extra 'speech'")
    clip = Path(spec.submodule_search_locations[0]) / "assets" / "beckett.wav"
    path = recordings(seconds=10, fps=2)
    options = ("--audio", str(clip), "--json", "--csv", str(tmp_path), "--speech")
    done = run("analyze", str(path), *options, "--recognition")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    (file,) = tmp_path.glob("*.transcript.csv")
    rows = list(csv.DictReader(file.open(newline="", encoding="utf-8")))
    assert len(rows) == document["recognition"]["segments"]
    check_against_dictionary(rows, data_dictionary.RECOGNISED)
    assert {row["source"] for row in rows} == {"recognised"}
    assert sum(row["text"].startswith("(?)") for row in rows) == document["recognition"]["uncertain"]
    file.unlink()
    done = run("analyze", str(path), *options)
    assert json.loads(done.stdout)["recognition"] is None
    assert not list(tmp_path.glob("*.transcript.csv"))


def test_a_queue_does_not_take_recognition_from_the_command(run, folder):
    done = run("analyze", str(folder / "good.mp4"), "--queue", "--recognition")
    assert done.returncode != 0
    assert "--recognition" in done.stderr


@pytest.mark.parametrize("rate", ["-1", "61", "nan"])
def test_an_impossible_face_rate_has_a_sentence(run, folder, rate):
    done = run("analyze", str(folder / "good.mp4"), "--face-rate", rate)
    assert done.returncode == 1
    assert "must be 0 for none, or at most 60" in done.stderr


@pytest.mark.usefixtures("default_face_rate")
def test_the_behaviour_is_measured_in_every_frame_where_nothing_is_said(run, recordings, tmp_path):
    path = recordings(seconds=2, fps=25, motion="moving")
    done = run("analyze", str(path), "--json", "--csv", str(tmp_path))
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["behaviour"]["rate"] == pytest.approx(25)
    assert document["behaviour"]["coverage"] > 0.7
    assert document["warnings"] == []
    (series,) = tmp_path.glob("*.behaviour.csv")
    assert len(list(csv.DictReader(series.open(newline="")))) == 50


def test_the_partner_is_in_json_and_csv_where_asked_for(run, recordings, tmp_path):
    path = recordings(seconds=12, fps=10, faces=2, motion="moving")
    done = run("analyze", str(path), "--face-rate", "30", "--partner", "--json", "--csv", str(tmp_path))
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["partner"]["behaviour"]["coverage"] > 0.7
    assert document["partner"]["behaviour"]["measures"] != document["behaviour"]["measures"]
    assert document["partner"]["dyad"]["head"] is None
    assert any("half minutes" in warning for warning in document["warnings"])
    series, partner = (next(tmp_path.glob(f"*.{name}.csv")).read_text() for name in ("behaviour", "partner"))
    assert partner.splitlines()[0] == series.splitlines()[0]
    assert partner.count("\n") == series.count("\n")
    assert partner != series
    table = run("analyze", str(path), "--face-rate", "5", "--partner").stdout
    assert "Partner" in table
    assert "not stored" in table


def test_without_being_asked_for_the_partner_is_nowhere(run, recordings, tmp_path):
    path = recordings(seconds=12, fps=10, faces=2, motion="moving")
    done = run("analyze", str(path), "--face-rate", "5", "--json", "--csv", str(tmp_path))
    assert json.loads(done.stdout)["partner"] is None
    assert not list(tmp_path.glob("*.partner.csv"))


@pytest.mark.usefixtures("default_face_rate")
@pytest.mark.parametrize(
    ("option", "reason"), [(["--face-rate", "0"], "set to 0, for this analysis or"), (["--key-frames"], "key frames")]
)
def test_an_analysis_without_behaviour_says_why(run, recordings, option, reason):
    done = run("analyze", str(recordings(seconds=2, fps=25, motion="moving")), "--json", *option)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["behaviour"] is None
    (warning,) = [warning for warning in document["warnings"] if "behaviour was not measured" in warning]
    assert reason in warning


def test_all_points_of_the_mesh_are_written(run, recordings, tmp_path):
    path = recordings(seconds=2, fps=25, motion="moving")
    done = run("analyze", str(path), "--face-rate", "25", "--mesh", str(tmp_path), "--csv", str(tmp_path))
    assert done.returncode == 0
    (meshes,) = map(pd.read_parquet, tmp_path.glob("*.mesh.parquet"))
    (behaviour,) = map(pd.read_csv, tmp_path.glob("*.behaviour.csv"))
    np.testing.assert_allclose(meshes.time_s, behaviour.time_s, atol=1e-6)
    np.testing.assert_allclose(meshes.presence, behaviour.presence, atol=1e-4)
    timeline = pd.read_csv(next(file for file in tmp_path.glob("*.csv") if "behaviour" not in file.name))
    seen = meshes[meshes.presence.notna()].merge(timeline, on="time_s")
    assert len(seen) > 1
    for _, row in seen.iterrows():
        assert row.x0 < np.mean(row.x) < row.x1
        assert row.y0 < np.mean(row.y) < row.y1


@pytest.mark.parametrize("options", [["--face-rate", "0"], ["--key-frames"]])
def test_a_mesh_that_is_not_followed_is_not_written(run, folder, tmp_path, options):
    alone = run("analyze", str(folder / "good.mp4"), "--partner", *options)
    assert alone.returncode == 1
    assert "--partner needs the face to be followed" in alone.stderr
    done = run("analyze", str(folder / "good.mp4"), "--mesh", str(tmp_path / "out"), *options)
    assert done.returncode == 1
    assert "--mesh needs the face to be followed" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_mesh_of_a_recording_that_fails_leaves_no_file(run, folder, tmp_path):
    (tmp_path / "taken").write_text("a file")
    done = run("analyze", str(folder / "good.mp4"), "--face-rate", "5", "--mesh", str(tmp_path / "taken"))
    assert done.returncode == 1
    assert "taken cannot be made" in done.stderr
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no recording")
    assert run("analyze", str(broken), "--face-rate", "5", "--mesh", str(tmp_path / "out")).returncode == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_a_mesh_that_finds_the_disk_full_is_missing_and_the_analysis_is_not(run, recordings, tmp_path):
    path = recordings(seconds=10, fps=60, motion="moving")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))  # 512 frames of mesh are more
    try:
        done = run("analyze", str(path), "--face-rate", "60", "--mesh", str(tmp_path / "mesh"), "--json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert done.returncode == 1
    assert done.stderr.count("Error: ") == 1
    assert "mesh cannot be written into" in done.stderr
    assert json.loads(done.stdout)["behaviour"]["coverage"] > 0.5
    assert list((tmp_path / "mesh").iterdir()) == []


def test_key_frames_and_a_face_rate_exclude_each_other(run, folder):
    done = run("analyze", str(folder / "good.mp4"), "--key-frames", "--face-rate", "25")
    assert done.returncode == 1
    assert "--face-rate does not go together with --key-frames" in done.stderr


def test_the_behaviour_is_stored_with_the_session(run, tmp_path):
    clip = Path(service.demo.__file__).parent / "clips" / "demonstration-1.mp4"
    kept = ("--subject", "P01", "--consent-by", "A. B.", "--csv", str(tmp_path))
    done = run("analyze", str(clip), "--face-rate", "8", *kept, data_dir=tmp_path / "data")
    assert done.returncode == 0
    database = tmp_path / "data" / "fer-phq.db"
    ((analysis_id,),) = sqlite3.connect(database).execute("SELECT id FROM analyses").fetchall()
    series = Store(f"sqlite:///{database}").features.load_behaviour(analysis_id=analysis_id)
    (written,) = tmp_path.glob("demonstration-1-*.behaviour.csv")
    rows = list(csv.DictReader(written.open(newline="")))
    assert len(series) == len(rows)
    yaws = np.array([float(row["yaw_deg"] or "nan") for row in rows])
    np.testing.assert_allclose(series.values[:, series.names.index("yaw_deg")], yaws, atol=0.02)


def test_csv_has_a_row_a_sampled_frame(run, folder, tmp_path):
    done = run("analyze", str(folder / "good.mp4"), "--csv", str(tmp_path / "out"), "--fps", "1")
    assert done.returncode == 0
    (path,) = (tmp_path / "out").glob("good-*.csv")
    rows = list(csv.DictReader(path.open()))
    assert len(rows) == 5
    assert sum(float(rows[0][name]) for name in EMOTIONS) == pytest.approx(1, abs=1e-4)


def test_the_estimate_on_the_terminal_says_it_is_a_demonstration(run, folder):
    done = run("analyze", str(folder / "good.mp4"))
    assert done.returncode == 0
    assert "Demonstration only" in done.stdout


@pytest.mark.slow
def test_results_are_kept_for_a_subject_once(run, folder, tmp_path):
    from db.store import Store

    for _ in range(2):
        done = run("analyze", str(folder / "good.mp4"), "--subject", "P01", "--consent-by", "Dr M", data_dir=tmp_path)
        assert done.returncode == 0, done.stderr
    with Store(f"sqlite:///{tmp_path / 'fer-phq.db'}") as store:
        (session,) = store.sessions.list_recent()
        assert session.subject_label == "P01"
        assert session.session.consent.by == "Dr M"
        assert session.analysis.coverage > 0.9
        assert len(store.sessions.get_detail(session_id=session.session.id).analyses) == 1
    assert list((tmp_path / "media").rglob("*.mp4"))
    options = ("--subject", "P01", "--consent-by", "Dr M", "--recorded-at", "2026-03-02T09:30:00")
    done = run("analyze", str(folder / "good.mp4"), *options, data_dir=tmp_path)
    assert (done.returncode, "Note: The recording is session" in done.stderr) == (0, True)
    assert "it was recorded at" in done.stderr


@pytest.mark.slow
def test_what_was_chosen_on_the_settings_page_holds_for_the_command_line(run, folder, tmp_path):
    from db.migrate import upgrade
    from db.store import Store
    from service.runtime_settings import change_settings
    from service.settings import load_settings

    settings = load_settings(data_dir=tmp_path)
    upgrade(settings.database_url)
    with Store(settings.database_url) as store:
        change_settings(settings, store, {"fps": 1, "coverage_floor": 1, "retention_days": 30}, by="AB")
        done = run("analyze", str(folder / "good.mp4"), "--subject", "P01", "--consent-by", "Dr M", data_dir=tmp_path)
        assert done.returncode == 0, done.stderr
        (row,) = store.sessions.list_recent()
        assert row.analysis.frames_sampled == 5
        assert row.session.retain_until - row.session.created_at == pytest.approx(timedelta(days=30), abs=ONE_MINUTE)


def test_a_result_that_cannot_be_stored_leaves_no_half_session(run, folder, tmp_path, monkeypatch):
    from db.queries.analyses.analyses import AnalysisQueries
    from db.store import Store
    from fer_phq.core.errors import StoreError

    def full(self, **_):
        raise StoreError("The disk is full.")

    monkeypatch.setattr(AnalysisQueries, "save", full)
    done = run("analyze", str(folder / "good.mp4"), "--subject", "P01", "--consent-by", "Dr M", data_dir=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "disk is full" in done.stderr
    with Store(f"sqlite:///{tmp_path / 'fer-phq.db'}") as store:
        assert store.sessions.list_recent() == []
    assert not list((tmp_path / "media").rglob("*.mp4"))


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("analyze", "nowhere.mp4"), "nowhere.mp4"),
        (("analyze", "x.mp4", "--save"), "--subject"),
        (("analyze", "x.mp4", "--consent-by", "me"), "--subject"),
        (("analyze", "x.mp4", "--fps", "0"), "sampling rate"),
        (("analyze", "x.mp4", "--sound-channel", "top"), "left, right or the channel's number"),
        (("analyze", "x.mp4", "--sound-channel", "0"), "left, right or the channel's number"),
        (("analyze", "x.mp4", "--model", "nope"), "nope"),
        (("models", "show", "nope"), "nope"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_1(run, args, sentence):
    done = run(*args)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_misspelt_option_is_exit_2(run):
    assert run("analyze", "--jsom").returncode == 2


def test_a_folder_without_recordings_is_one_sentence(run, tmp_path):
    done = run("analyze", str(tmp_path))
    assert done.returncode == 1
    assert "holds no recordings" in done.stderr


def test_alone_it_says_what_to_do_first(run):
    done = run()
    assert done.returncode == 0
    for command in re.findall(r"^  fer-phq ([a-z]+)", done.stdout, re.MULTILINE):
        assert command in COMMANDS
    assert "fer-phq up" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 80


def test_models_are_listed_shown_and_verified():
    runner = CliRunner()
    listed = runner.invoke(cli.app, ["models", "list"])
    bundle, backbone, heads, folder = listed.stdout.splitlines()
    assert bundle == f"{read_bundle(SHIPPED).model_id} (active)"
    assert backbone.strip() == read_bundle(SHIPPED).config.backbone
    assert "simulated labels" in heads
    assert folder.strip() == str(SHIPPED)
    assert max(len(bundle), len(heads)) <= 80
    assert "simulated" in runner.invoke(cli.app, ["models", "show"]).stdout
    assert "is whole" in runner.invoke(cli.app, ["models", "verify"]).stdout


def test_damaged_weights_are_found(run, tmp_path):
    import shutil

    copy = shutil.copytree(SHIPPED, tmp_path / "copy")
    data = bytearray((copy / "model.safetensors").read_bytes())
    data[-3] ^= 255
    (copy / "model.safetensors").write_bytes(data)
    done = run("models", "verify", str(copy))
    assert done.returncode == 1
    assert "hash differs" in done.stderr


def test_the_database_upgrade_is_idempotent(run, tmp_path):
    first, again = run("db", "upgrade", data_dir=tmp_path), run("db", "upgrade", data_dir=tmp_path)
    assert first.returncode == again.returncode == 0
    assert first.stdout == again.stdout


def test_folders_give_their_recordings_sorted_and_files_stay_as_given(tmp_path):
    for name in ("b.MP4", "a.webm", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.mov").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    files, complaints = recordings_cli.expand([tmp_path / "empty", tmp_path, tmp_path / "notes.txt"])
    names = [path.name for path in files]
    assert [str(tmp_path / "empty") in str(complaint) for complaint in complaints] == [True]
    assert names == ["a.webm", "b.MP4", "c.mov", "notes.txt"]


def test_every_kind_of_recording_is_taken_from_a_folder_and_what_is_left_out_is_named(tmp_path):
    for name in ("a.MTS", "b.m2ts", "c.vob", "d.mpg", "e.MOD", "f.mp4", "notes.vtt", "g.rm", "h.docx", ".hidden"):
        (tmp_path / name).write_bytes(b"x")
    files, complaints = recordings_cli.expand([tmp_path])
    assert [path.name for path in files] == ["a.MTS", "b.m2ts", "c.vob", "d.mpg", "e.MOD", "f.mp4"]
    assert complaints == []
    (note,) = recordings_cli.left_out([tmp_path, tmp_path / "f.mp4"])
    assert "2 files" in str(note)
    assert "g.rm" in str(note)
    assert "h.docx" in str(note)
    assert "notes.vtt" not in str(note)


@pytest.mark.slow
def test_a_model_is_exported_and_no_file_is_replaced_unasked(run, tmp_path):
    out = tmp_path / "fer.pt"
    command = ("models", "export", "--format", "torchscript", "--out", str(out))
    done = run(*command)
    assert done.returncode == 0
    assert str(out) in done.stdout
    assert out.stat().st_size > 1e6
    again = run(*command)
    assert again.returncode == 1
    assert again.stderr == f"Error: {out} is already there: choose another name, or replace a file with --force.\n"
    assert run("models", "export", "--format", "pickle", "--out", str(out)).returncode == 2
    assert run("models", "export", "nope", "--out", str(tmp_path / "x")).stderr.startswith("Error: No model 'nope'")


@pytest.mark.slow
def test_a_name_as_long_as_names_may_be_loses_no_result(folder, run, tmp_path):
    long = tmp_path / ("\u00e9" * 125 + "a.mp4")
    long.write_bytes((folder / "good.mp4").read_bytes())
    assert len(long.name.encode()) == 255
    done = run("analyze", str(long), "--csv", str(tmp_path / "out"), "--features", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".csv", ".npz"}


@pytest.mark.slow
def test_the_subjects_face_tracks_are_named_by_their_numbers(run, tmp_path):
    from recordings import make_recording

    path = make_recording(tmp_path / "two.mp4", seconds=3, fps=4, faces=2)
    done = run("analyze", str(path), "--json", "--track", "1")
    assert [track["is_subject"] for track in json.loads(done.stdout)["tracks"]] == [False, True]
    done = run("analyze", str(path), "--track", "0,1")
    assert done.returncode == 1
    assert "Face tracks 0 and 1 are both in the picture at 0.0 s, so they are two people" in done.stderr
    done = run("analyze", str(path), "--track", "0;1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: '0;1' names no face tracks: write their numbers, as in --track 0,3.\n"


def test_the_list_of_commands_says_what_each_says_of_itself():
    root = get_command(cli.app)
    for name, (_, sentence) in COMMANDS.items():
        first = root.commands[name].help.strip().split("\n\n")[0].replace("\n", " ")
        assert sentence == first, name


def test_the_list_of_commands_imports_none():
    code = (
        "import sys\nfrom service import cli\nsys.argv = ['fer-phq', '--help']\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = [name for name in ('numpy', 'pandas', 'sqlalchemy', 'pydantic', 'scipy') if name in sys.modules]\n"
        "sys.exit(' '.join(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
    assert "choose-faces" in done.stdout
