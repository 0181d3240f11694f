"""The other person of a recording: who it is, that the subject's figures stay, and that both move as rendered."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from conftest import Recordings
from PIL import Image
from recordings import compose

from fer_phq import load_model
from fer_phq.behaviour.columns import KIND
from fer_phq.behaviour.series import COLUMNS
from fer_phq.core.analysis import FaceTable, Settings, TrackSummary
from fer_phq.core.arrays import FloatArray
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.dyad.measures import measure_dyad
from fer_phq.models.model import FerPhqModel
from fer_phq.pipeline.behaviour import warn_of_partner
from fer_phq.pipeline.partner import partner_faces
from fer_phq.pipeline.session import analyze
from fer_phq.pipeline.subject import SubjectFaces
from training.simulation.behaviour.dyads import simulate_dyads

ALONE = Settings(face_rate=30.0)
PARTNER = replace(ALONE, partner=True)
FPS = 10


@pytest.fixture(scope="module")
def model() -> FerPhqModel:
    return load_model()


def table(frames: dict[int, list[int]]) -> FaceTable:
    """Faces of tracks in frames."""
    rows = sorted((frame, track) for track, places in frames.items() for frame in places)
    n = len(rows)
    return FaceTable(
        frame=np.array([frame for frame, _ in rows], np.int32),
        track=np.array([track for _, track in rows], np.int32),
        box=np.zeros((n, 4), np.float32),
        landmarks=np.zeros((n, 5, 2), np.float32),
        detection_score=np.ones(n, np.float32),
        quality=np.ones(n, np.float32),
        embeddings=np.zeros((n, 2), np.float32),
    )


def track(number: int, person: int, is_subject: bool = False) -> TrackSummary:
    return TrackSummary(number, 1, 0.0, 1.0, 0.1, is_subject, person)


def test_the_partner_is_who_is_seen_longest_beside_the_subject() -> None:
    seconds = np.arange(100.0)
    tracks = [track(0, 0, True), track(1, 1), track(2, 2), track(3, 2)]
    # Person 1 is seen longer, and person 2, in two tracks, longer beside the subject.
    faces = table({0: [*range(40)], 1: [*range(30, 100)], 2: [*range(6)], 3: [*range(20, 28)]})
    partner = partner_faces(tracks, faces, seconds, 100.0)
    assert partner is not None
    assert set(partner.track) == {2, 3}
    assert len(partner) == 14


def test_the_subjects_own_picture_is_the_partner_only_where_nobody_else_is() -> None:
    seconds = np.arange(100.0)
    tracks = [track(0, 0, True), track(1, 1), track(2, 2)]
    faces = table({0: [*range(90)], 1: [*range(90)], 2: [*range(20)]})
    partner = partner_faces(tracks, faces, seconds, 100.0, {1})
    assert partner is not None
    assert set(partner.track) == {2}
    alone = partner_faces(tracks[:2], faces, seconds, 100.0, {1})
    assert alone is not None
    assert set(alone.track) == {1}


def test_nobody_is_the_partner_who_only_looks_in_or_is_the_subject_too() -> None:
    seconds = np.arange(100.0)
    faces = table({0: [*range(60)], 1: [*range(50, 59)], 2: [*range(60, 100)]})
    tracks = [track(0, 0, True), track(1, 1), track(2, 0)]
    assert partner_faces(tracks, faces, seconds, 100.0) is None
    assert partner_faces([replace(tracks[0], is_subject=False)], faces, seconds, 100.0) is None
    assert partner_faces([], table({}), seconds[:0], None) is None


def test_the_subjects_figures_do_not_depend_on_the_partner(recordings: Recordings, model: FerPhqModel) -> None:
    path = recordings(seconds=12, fps=FPS, faces=2, motion="moving")
    alone, both = analyze(path, model, ALONE), analyze(path, model, PARTNER)
    assert alone.partner is None
    assert alone.behaviour is not None
    assert both.behaviour is not None
    assert both.partner is not None
    np.testing.assert_array_equal(both.behaviour.values, alone.behaviour.values)
    np.testing.assert_array_equal(both.partner.time_s, both.behaviour.time_s)
    assert np.isfinite(both.partner.values[:, 0]).mean() > 0.9
    assert not np.array_equal(both.partner.values, both.behaviour.values)
    # The second face of these recordings is the first one's mirror image.
    alike, *others = map(str, both.partner_warnings)
    assert "in a mirror" in alike
    assert others == ["Subject and partner are seen together in 0 half minutes: their synchrony needs 10."]
    assert both.warnings == alone.warnings, "they are stored, and nothing of the partner is"
    assert not any(vars(measure_dyad(both.behaviour, both.partner)).values())


def test_a_partner_who_is_not_there_is_said(recordings: Recordings, model: FerPhqModel) -> None:
    analysis = analyze(recordings(seconds=3, fps=FPS), model, PARTNER)
    assert analysis.partner is None
    (warning,) = map(str, analysis.partner_warnings)
    assert "nobody is seen beside the subject" in warning


def test_too_few_frames_are_not_said_to_be_too_little_time() -> None:
    rows = np.arange(300)
    values = np.zeros((300, len(COLUMNS)), np.float32)
    series = FeatureSeries(values, rows / 5, KIND, COLUMNS, np.full(300, 0.2), 5.0)
    faces = SubjectFaces(rows / 5, 60.0, 60.0, table({}), (), partner=table({}))
    assert [str(warning) for warning in warn_of_partner(series, series, faces, PARTNER)] == [
        "Both faces were followed in 5.0 frames a second: the synchrony of their movement needs 10."
    ]


def tilted(face: Image.Image, degrees: float) -> Image.Image:
    return face.rotate(degrees, Image.Resampling.BILINEAR)


def angles(speed: FloatArray) -> FloatArray:
    """Tilts of a head that turns as fast as a signal says, to and fro within 12 degrees."""
    way = np.cumsum(speed) / FPS
    return np.abs((way + 12) % 48 - 24) - 12


def write_talk(path: Path, left: FloatArray, right: FloatArray) -> None:
    """Write two heads side by side that tilt by these angles, a frame each."""
    picture = Image.fromarray(compose((480, 240), faces=2, motion="still", share=0.8, progress=0.0))
    halves = [picture.crop((0, 0, 240, 240)), picture.crop((240, 0, 480, 240))]
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "18"})
        video.width, video.height, video.pix_fmt = 480, 240, "yuv420p"
        for i, pair in enumerate(zip(left, right, strict=True)):
            for x, half, angle in zip((0, 240), halves, pair, strict=True):
                picture.paste(tilted(half, float(angle)), (x, 0))
            frame = av.VideoFrame.from_image(picture)
            frame.pts, frame.time_base = i, Fraction(1, FPS)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))


@pytest.mark.slow
def test_heads_that_move_together_in_a_film_are_told_with_their_lag(model: FerPhqModel, tmp_path: Path) -> None:
    ((first,), (second,)) = simulate_dyads(np.random.default_rng(9), 1, 5.2, 0.9, 1.0)
    write_talk(tmp_path / "talk.mp4", angles(8 * first), angles(8 * second))
    analysis = analyze(tmp_path / "talk.mp4", model, PARTNER)
    assert analysis.behaviour is not None
    assert analysis.partner is not None
    head = measure_dyad(analysis.behaviour, analysis.partner).head
    assert head is not None
    assert head.correlation_p <= 0.01
    # Which of the two is the subject is not said; the lag turns with it.
    assert head.lag_s is not None
    assert abs(head.lag_s) == pytest.approx(1.0, abs=0.2)
    roll = np.nanstd(analysis.behaviour.values[:, analysis.behaviour.names.index("roll_deg")])
    assert 4 < roll < 12
