"""Simulated subjects as real recordings: what is seen, heard and said in them, and the path from file to estimate."""

import csv
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import sounds
from PIL import Image as Pillow
from recordings import FACE_COLUMNS, FACE_ROWS
from scipy.signal import resample_poly
from skimage import data

from fer_phq.core.analysis import Settings
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import Modality, PhqEstimate, Provenance
from fer_phq.core.sidecar import Sidecar
from fer_phq.faces import FaceDetector
from fer_phq.models.model import load_model
from fer_phq.pipeline.session import analyze, choose_faces
from fer_phq.voice import only_during, voice_features, voice_functionals
from fer_phq.voice.features import features_of_sound
from fer_phq.words import intervals, read_transcript
from fer_phq.words.lexicon import ABSOLUTIST, FIRST_PERSON, split_words
from training.phq import evaluate, train
from training.phq.data.manifest import read_manifest
from training.simulation import conversation, recordings
from training.simulation.conversation import generate_phrases, simulate_conversation
from training.simulation.faces import choose_portraits, open_album
from training.simulation.recordings import RenderOptions, render_cohort
from training.simulation.speech import Speaker

FERPLUS = Path(__file__).parents[3] / "../shared/data/ferplus/valid.parquet"
TALKER = {"pause_s": 0.7, "pitch_sd": 1.5, "pitch": 22, "loudness_db": -28, "first_person": 0.06, "absolutist": 0.012}
needs_espeak = pytest.mark.skipif(not sounds.has_espeak(), reason="espeak-ng is not installed")


def write_images(folder, image, name="collins.png"):
    """The image in a sub-folder for each emotion, each a little different."""
    for i, emotion in enumerate(EMOTIONS):
        (folder / emotion.title()).mkdir(parents=True)
        Pillow.fromarray((image * (1 - 0.05 * i)).astype(np.uint8)).save(folder / emotion.title() / name)
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """One person, seven expressions by name alone: that a face is found is what counts."""
    return write_images(tmp_path_factory.mktemp("images") / "set", data.astronaut()[FACE_ROWS, FACE_COLUMNS])


@pytest.fixture(scope="module")
def rendered(images, tmp_path_factory):
    """The manifest of two people of twelve seconds each."""
    return render_cohort(
        tmp_path_factory.mktemp("rendered") / "cohort", open_album(str(images)), RenderOptions(2, 12, seed=5)
    )


@pytest.fixture(scope="module")
def session(rendered):
    """The first of them."""
    return read_manifest(rendered).sessions[0]


@pytest.fixture(scope="module")
def analysis(session):
    return analyze(session.path, load_model(), sidecar=Sidecar(session.transcript, session.speaker))


def rows_of(manifest):
    with manifest.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def heard(seconds=24, seed=1, **changes):
    """What our own voice analysis makes of a speaker, restricted to the subject's turns as a transcript does."""
    found = simulate_conversation(Speaker(**TALKER | changes), seconds, np.random.default_rng(seed))
    rows = features_of_sound([resample_poly(found.sound, 16_000, conversation.RATE).astype(np.float32)])
    spans = [(cue.start_s, cue.end_s) for cue in found.cues if cue.speaker == "Participant"]
    return voice_functionals(only_during(rows, spans))


@needs_espeak
def test_the_manifest_is_one_that_training_takes(rendered):
    sessions = read_manifest(rendered).sessions
    assert [session.subject_id for session in sessions] == ["S00000", "S00001"]
    assert all(session.path.suffix == ".mp4" and session.speaker == "Participant" for session in sessions)
    assert all(session.groups["provenance"] == "simulated" for session in sessions)
    assert all(session.groups["voice"] in ("lower", "higher") for session in sessions)
    assert [path.name for path in rendered.parent.parent.iterdir()] == ["cohort"]


@needs_espeak
def test_the_face_is_found_and_the_picture_moves(analysis):
    assert analysis.coverage > 0.9
    assert len(analysis.tracks) == 1
    assert [warning.code for warning in analysis.warnings] == ["pipeline.no_behaviour"]  # heads read none
    assert analysis.recording.duration_s == pytest.approx(12, abs=0.2)


@needs_espeak
def test_two_people_speak_and_one_of_them_counts(analysis, session):
    transcript = read_transcript(session.transcript)
    assert transcript.warnings == ()
    assert set(transcript.speakers) == {"Interviewer", "Participant"}
    mine = [one for one in transcript.utterances if one.speaker == "Participant"]
    assert len(analysis.words) == len(mine) >= 1
    speech, time_s = analysis.voice.values[:, 0], analysis.voice.time_s
    for one in transcript.utterances:
        inside = (time_s >= one.start_s) & (time_s < one.end_s)
        assert np.isfinite(speech[inside]).all() == (one.speaker == "Participant")
    assert (speech[np.isfinite(speech)] >= 0.5).sum() > 15


@needs_espeak
def test_sound_and_transcript_agree(rendered):
    for session in read_manifest(rendered).sessions:
        transcript = read_transcript(session.transcript)
        voice = voice_features(session.path)
        speech, time_s = voice.values[:, 0], voice.time_s
        spans = intervals(transcript, None)
        outside = np.ones(len(time_s), bool)
        for start, end in spans:
            inside = (time_s >= start) & (time_s < end)
            assert speech[inside].mean() > 0.6
            assert speech[inside][:3].max() > 0.5
            assert speech[inside][-3:].max() > 0.5
            outside &= (time_s < start - 0.1) | (time_s > end + 0.2)
        assert outside.any()
        assert speech[outside].mean() < 0.1


@needs_espeak
@pytest.mark.slow
def test_the_same_seed_gives_the_same_people(images, rendered, tmp_path):
    grey = np.repeat(data.astronaut()[FACE_ROWS, FACE_COLUMNS].mean(2, keepdims=True), 3, axis=2)
    other = write_images(tmp_path / "set", grey, "other.png")
    again = render_cohort(tmp_path / "again", open_album(str(other)), RenderOptions(2, 12, seed=5))
    assert again.read_bytes() == rendered.read_bytes()
    for row in rows_of(rendered):
        assert (again.parent / row["transcript"]).read_bytes() == (rendered.parent / row["transcript"]).read_bytes()
    changed = render_cohort(tmp_path / "changed", open_album(str(images)), RenderOptions(1, 12, seed=6))
    name = rows_of(changed)[0]["transcript"]
    assert (changed.parent / name).read_bytes() != (rendered.parent / name).read_bytes()


@needs_espeak
@pytest.mark.parametrize(
    ("less", "more", "key", "by"),
    [
        ({"pause_s": 0.4}, {"pause_s": 1.6}, "pause_mean_s", 0.5),
        ({"pitch": 20}, {"pitch": 36}, "f0_mean_semitones", 12),
        ({"pitch_sd": 0.6}, {"pitch_sd": 2.6}, "f0_sd_semitones", 1),
        ({"loudness_db": -36}, {"loudness_db": -24}, "loudness_mean_db", 8),
    ],
)
def test_a_drawn_speaker_is_heard(less, more, key, by):
    assert heard(**more)[key] > heard(**less)[key] + by


def test_the_lists_hold_the_words_they_say():
    for neutral, personal in conversation.ANSWERS:
        assert not set(split_words(neutral)) & (FIRST_PERSON | ABSOLUTIST)
        assert sum(word in FIRST_PERSON for word in split_words(personal)) == 2
        assert not set(split_words(personal)) & ABSOLUTIST
    for tail in conversation.TAILS:
        assert sum(word in ABSOLUTIST for word in split_words(tail)) == 1
    assert not {word for question in conversation.QUESTIONS for word in split_words(question)} & FIRST_PERSON


@pytest.mark.parametrize(("first_person", "absolutist"), [(0.03, 0.005), (0.06, 0.012), (0.15, 0.04)])
def test_words_are_as_frequent_as_drawn(first_person, absolutist):
    speaker = Speaker(**TALKER | {"first_person": first_person, "absolutist": absolutist})
    phrases = generate_phrases(speaker, np.random.default_rng(0))
    said = [word for _ in range(4000) for word in split_words(next(phrases))]
    assert np.mean([word in FIRST_PERSON for word in said]) == pytest.approx(first_person, rel=0.15)
    assert np.mean([word in ABSOLUTIST for word in said]) == pytest.approx(absolutist, rel=0.15)


@pytest.mark.slow
def test_one_name_is_one_person(tmp_path):
    folder = write_images(tmp_path / "set", data.astronaut()[FACE_ROWS, FACE_COLUMNS], "first.png")
    tinted = (data.astronaut()[FACE_ROWS, FACE_COLUMNS] * np.array([0.4, 0.7, 1.0])).astype(np.uint8)
    for emotion in EMOTIONS:
        Pillow.fromarray(tinted).save(folder / emotion.title() / "second.png")
    for seed in range(4):
        chosen = choose_portraits(open_album(str(folder)), np.arange(7), FaceDetector(), np.random.default_rng(seed))
        blue = {bool(one[..., 2].mean() > one[..., 0].mean()) for one in chosen.values()}
        assert len(blue) == 1


def refused(capsys, *args):
    assert recordings.main([str(arg) for arg in args]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("Error: ")
    assert said.endswith(".")
    return said


@needs_espeak
def test_what_is_wrong_is_one_sentence(images, tmp_path, capsys):
    out = tmp_path / "out"
    assert "no faces at" in refused(capsys, out, "--faces", tmp_path / "none")
    assert "no images of anger, disgust" in refused(capsys, out, "--faces", tmp_path)
    assert "from 10 to 600 s, 3 s" in refused(capsys, out, "--faces", images, "--seconds", 3)
    assert "0 subjects" in refused(capsys, out, "--faces", images, "--subjects", 0)
    assert "A seed is 0 or more" in refused(capsys, out, "--faces", images, "--seed", -1)
    (tmp_path / "notes.txt").write_text("mine")
    assert "is not empty" in refused(capsys, tmp_path, "--faces", images)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@needs_espeak
def test_images_without_faces_leave_nothing(tmp_path, capsys):
    folder = write_images(tmp_path / "set", np.random.default_rng(0).integers(0, 255, (48, 48, 3)))
    assert "No face was found in 1 images of " in refused(capsys, tmp_path / "out", "--faces", folder, "--seconds", 10)
    for path in folder.rglob("*.png"):
        path.write_bytes(b"no picture")
    assert "cannot be read" in refused(capsys, tmp_path / "out", "--faces", folder, "--seconds", 10)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_without_espeak_it_says_so(images, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "espeak-ng is not installed" in refused(capsys, tmp_path / "out", "--faces", images)
    assert not (tmp_path / "out").exists()


@needs_espeak
@pytest.mark.slow
def test_from_recordings_to_an_estimate(images, tmp_path, capsys):
    folder, kept = tmp_path / "cohort", tmp_path / "kept"
    command = [str(folder), "--faces", str(images), "--subjects", "12", "--seconds", "15", "--seed", "1"]
    assert recordings.main(command) == 0
    manifest, bundle = folder / "manifest.csv", tmp_path / "bundle"
    trained = train.main([str(manifest), "--out", str(bundle), "--quick", "--features", str(kept)])
    assert trained == 0, capsys.readouterr().err
    model = load_model(bundle)
    sets = {frozenset(head.modalities) for head in model.heads}
    seen = [modality for modality in Modality if modality is not Modality.BEHAVIOUR]  # too few pictures a second for it
    assert sets == {frozenset(some) for size in (1, 2, 3) for some in combinations(seen, size)}
    session = read_manifest(manifest).sessions[0]
    estimate = analyze(session.path, model, sidecar=Sidecar(session.transcript, session.speaker)).phq
    assert isinstance(estimate, PhqEstimate)
    assert estimate.provenance is Provenance.SIMULATED
    assert frozenset(estimate.modalities) in sets
    capsys.readouterr()
    assert evaluate.main([str(bundle), str(manifest), "--json", "--features", str(kept)]) == 0
    assert json.loads(capsys.readouterr().out)["n"] > 0


@needs_espeak
@pytest.mark.corpora
@pytest.mark.skipif(not FERPLUS.is_file(), reason="needs ../shared/data/ferplus")
def test_faces_of_ferplus_are_found(tmp_path):
    manifest = render_cohort(tmp_path / "cohort", open_album(str(FERPLUS)), RenderOptions(3, 12))
    model = load_model()
    covered = []
    for row in rows_of(manifest):
        analysis = analyze(manifest.parent / row["recording"], model, Settings(all_faces=True))
        everybody = tuple(track.track for track in analysis.tracks)  # a portrait of somebody else for each expression
        covered.append(choose_faces(analysis, model, Settings(all_faces=True, tracks=everybody)).coverage)
    assert np.mean(covered) > 0.8
