"""Analyses made of numbers, for tests of what is stored and shown; no recording is decoded and no model runs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import text

from db.engine import normalise_url, open_engine
from db.records import SessionRecord
from db.store import Store
from fer_phq.core.analysis import FaceTable, RecordingInfo, Sampling, SessionAnalysis, Timeline, Timing, TrackSummary
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import literal
from fer_phq.core.phq import Modality, PhqEstimate, PhqResult, PhqUnavailable, Provenance, Scale, UnavailableReason
from fer_phq.core.speech.transcription import Doubt, Segment, Source, Transcription
from fer_phq.speakers import Turn
from fer_phq.speakers.files.series import BY_VOICES, turn_series

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TWICE_A_SECOND = Sampling()
DURATION_S = 10.0
UPRIGHT_FACE = np.array([(-18, -15), (18, -15), (0, 5), (-14, 26), (14, 26)])
"""Five landmarks in pixels around their middle."""
NO_HEAD = PhqUnavailable(UnavailableReason.NO_HEAD)


def sample_recording(name: str = "session.mp4", **changes: object) -> RecordingInfo:
    """A recording's facts; another name is another recording."""
    facts: dict[str, object] = {
        "path": f"/recordings/{name}",
        "sha256": hashlib.sha256(name.encode()).hexdigest(),
        "duration_s": DURATION_S,
        "width": 320,
        "height": 240,
        "codec": "h264",
        "rotation": 90,
        "has_audio": True,
    }
    return RecordingInfo(**{**facts, **changes})  # type: ignore[arg-type]


def sample_estimate(
    score: float = 7.5,
    *,
    scale: Scale = Scale.PHQ8,
    model_id: str = "model-a",
    modalities: tuple[Modality, ...] = (Modality.FACE,),
) -> PhqEstimate:
    """An estimate with an interval of 3 on either side, cut at the scale's ends."""
    return PhqEstimate(
        score=score,
        low=max(0.0, score - 3),
        high=min(float(scale.maximum), score + 3),
        level=0.9,
        scale=scale,
        provenance=Provenance.SIMULATED,
        model_id=model_id,
        modalities=modalities,
    )


def sample_voice(rows: int = 30, *, seed: int = 0) -> FeatureSeries:
    """Three columns, ten rows a second; the second is NaN in every other row."""
    values = np.random.default_rng(seed).normal(size=(rows, 3)).astype(np.float32)
    values[::2, 1] = np.nan
    return FeatureSeries(
        values, (np.arange(rows) + 0.5) / 10, "prosody-a", ("speech_probability", "f0_semitones", "level")
    )


def sample_words(rows: int = 4) -> FeatureSeries:
    """Two columns without names, and without times."""
    return FeatureSeries(np.arange(2 * rows, dtype=np.float32).reshape(rows, 2), kind="plain-a")


def sample_turns(subject: int | None = 1) -> FeatureSeries:
    """Three turns of two speakers, of whom one may be known to be the subject."""
    return turn_series((Turn(0.5, 3.25, 1, 0.75), Turn(3.0, 4.0, 2, 0.5), Turn(5.0, 7.5, 1, 1.0)), subject, BY_VOICES)


def sample_transcription() -> Transcription:
    """Three segments of two speakers: sure, doubtful, and without words."""
    segments = (
        Segment(0.5, 3.25, "Speaker 1", "I have been sleeping badly", Source.RECOGNISED, 0.9375),
        Segment(3.25, 4.0, "Speaker 2", "=Yes", Source.RECOGNISED, 0.5, (Doubt.SHORT, Doubt.OVERLAP)),
        Segment(5.0, 7.5, None, "", Source.RECOGNISED, 0.0, (Doubt.UNLIKELY,)),
    )
    return Transcription(segments, "moonshine-tiny-en-d05f3599", "en", 30.0, 6.0)


def sample_timeline(frames: int = 20, *, gaps: tuple[int, ...] = (3, 4), seed: int = 0) -> Timeline:
    """A timeline at 2 frames/s with NaN rows at `gaps`."""
    draw = np.random.default_rng(seed)
    emotions = draw.dirichlet(np.ones(7), frames).astype(np.float32)
    box = draw.uniform(0, 300, (frames, 4)).astype(np.float32)
    landmarks = (draw.uniform(0, 300, (frames, 5, 2))[:, :1] + UPRIGHT_FACE).astype(np.float32)
    score, quality = draw.uniform(0.5, 1, (2, frames)).astype(np.float32)
    for column in (emotions, box, landmarks, score, quality):
        column[list(gaps)] = np.nan
    return Timeline(np.arange(frames) / 2, emotions, box, landmarks, score, quality, end_s=frames / 2)


def sample_analysis(
    recording: RecordingInfo | None = None,
    *,
    model_id: str = "model-a",
    frames: int = 20,
    gaps: tuple[int, ...] = (3, 4),
    phq: PhqResult | None = None,
    sampling: Sampling = TWICE_A_SECOND,
    dim: int = 16,
    seed: int = 0,
    face_kind: str = "face-a",
    voice: FeatureSeries | None = None,
    words: FeatureSeries | None = None,
    beside: str = "",
) -> SessionAnalysis:
    """A whole analysis; `phq` None is an estimate. A recording of no duration of its own is as long as its frames."""
    recording = recording or sample_recording()
    if recording.duration_s == DURATION_S:
        recording = replace(recording, duration_s=max(frames, 1) / 2)
    timeline = sample_timeline(frames, gaps=gaps, seed=seed)
    faces = int(timeline.has_face.sum())
    return SessionAnalysis(
        recording=recording,
        model_id=model_id,
        sampling=sampling,
        timeline=timeline,
        embeddings=np.random.default_rng(seed).normal(size=(faces, dim)).astype(np.float32),
        phq=phq or sample_estimate(model_id=model_id),
        tracks=(TrackSummary(0, faces, 0.0, frames / 2, 0.2, True, 0), TrackSummary(4, 2, 1.0, 1.5, 0.01, False, 1)),
        warnings=(literal("2 people were in view"),),
        timing=Timing(decode=1.0, detect=2.0, embed=0.5, heads=0.01),
        face_kind=face_kind,
        voice=voice,
        words=words,
        sidecar_digest=beside,
    )


def with_all_faces(analysis: SessionAnalysis, *, seed: int = 1) -> SessionAnalysis:
    """A sample analysis with everybody's faces: the subject's, and two of track 4 while the subject is away."""
    draw = np.random.default_rng(seed)
    rows, gaps = (np.flatnonzero(seen) for seen in (analysis.timeline.has_face, ~analysis.timeline.has_face))
    frame = np.r_[rows, gaps].astype(np.int32)
    order = np.argsort(frame)
    timeline = analysis.timeline
    columns = (timeline.box, timeline.landmarks, timeline.detection_score, timeline.quality)
    box, landmarks, score, quality = (
        np.concatenate([column[rows], draw.uniform(0, 1, (len(gaps), *column.shape[1:]))]).astype(np.float32)[order]
        for column in columns
    )
    others = draw.normal(size=(len(gaps), analysis.embeddings.shape[1])).astype(np.float32)
    faces = FaceTable(
        frame=frame[order],
        track=np.r_[np.zeros(len(rows), np.int32), np.full(len(gaps), 4, np.int32)][order],
        box=box,
        landmarks=landmarks,
        detection_score=score,
        quality=quality,
        embeddings=np.concatenate([analysis.embeddings, others])[order],
        pictures={0: b"picture of the subject", 4: b"picture of somebody else"},
    )
    return replace(analysis, faces=faces)


def new_session(
    store: Store,
    subject_id: str,
    name: str = "session.mp4",
    at: datetime = MONDAY,
    *,
    is_demo: bool = False,
    duration_s: float = DURATION_S,
) -> SessionRecord:
    """A stored session of `sample_recording(name)`."""
    return store.sessions.create(
        subject_id=subject_id,
        recorded_at=at,
        recording=sample_recording(name, duration_s=duration_s),
        original_name=name,
        media_path=f"ab/{name}",
        is_demo=is_demo,
    )


HEALTH_TABLES = (
    *("subjects", "sessions", "analyses", "frames", "timelines", "embeddings", "channels", "behaviours", "turns"),
    *("transcriptions", "measures", "questionnaires", "jobs"),
    *("notes", "transcripts", "subject_tags", "events", "faces", "face_pictures", "face_choices", "subject_shares"),
)


def row_counts(url: str) -> dict[str, int]:
    """How many rows each table that may hold health data has."""
    engine = open_engine(normalise_url(url))
    with engine.connect() as connection:
        found = {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in HEALTH_TABLES}
    engine.dispose()
    return found
