"""A seeded generator of plausible sessions, so that pages can be filled without analysing hours of video.

Expressions follow a mean-reverting walk in logit space around a subject's habit, with short episodes; the face drifts,
leaves for a while, and is sometimes blurred. Everything it writes is marked as demonstration.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from db.records import Consent, QuestionnaireSource, SubjectRecord
from db.store import Store
from fer_phq.core.analysis import (
    RecordingInfo,
    Sampling,
    SessionAnalysis,
    Settings,
    Timeline,
    Timing,
    TrackSummary,
)
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import (
    Modality,
    PhqEstimate,
    PhqResult,
    PhqUnavailable,
    Provenance,
    Scale,
    UnavailableReason,
)
from fer_phq.features.measures import versioned_measures

MODEL = "synthetic-0123abcd"
SIZE = (320, 240)


@dataclass(frozen=True)
class Plan:
    """One made-up session. severity: 0 (well) to 1; coverage: share of frames with the face."""

    seconds: float = 90.0
    fps: float = 2.0
    severity: float = 0.4
    coverage: float = 0.92
    provenance: Provenance = Provenance.SIMULATED
    model_id: str = MODEL


def synthetic_analysis(seed: int, plan: Plan, info: RecordingInfo | None = None) -> SessionAnalysis:
    """An analysis as the pipeline would return it; the same seed and plan give the same analysis."""
    rng = np.random.default_rng(seed)
    n = max(2, int(plan.seconds * plan.fps))
    time_s = np.arange(n) / plan.fps
    seen = _seen(rng, n, plan.coverage)
    emotions = _emotions(rng, n, plan)
    emotions[~seen] = np.nan
    box, landmarks = _face(rng, n, seen)
    quality = np.clip(0.75 + np.cumsum(rng.normal(0, 0.06, n)) % 0.4 - 0.25 * (rng.random(n) < 0.08), 0.05, 1)
    timeline = Timeline(
        time_s=time_s,
        emotions=emotions.astype(np.float32),
        box=box,
        landmarks=landmarks,
        detection_score=np.where(seen, rng.uniform(0.8, 0.99, n), np.nan).astype(np.float32),
        quality=np.where(seen, quality, np.nan).astype(np.float32),
    )
    info = info or recording_info(seed, plan.seconds)
    track = TrackSummary(1, int(seen.sum()), 0.0, float(time_s[-1]), 0.12, is_subject=True)
    return SessionAnalysis(
        recording=info,
        model_id=plan.model_id,
        sampling=Sampling(fps=plan.fps),
        timeline=timeline,
        embeddings=rng.normal(0, 1, (int(seen.sum()), 8)).astype(np.float32),
        phq=_phq(rng, plan, float(seen.mean())),
        tracks=(track,),
        warnings=(),
        timing=Timing(decode=n * 0.01, detect=n * 0.05, embed=n * 0.02, heads=0.01),
    )


def recording_info(seed: int, seconds: float) -> RecordingInfo:
    """What a container might have said."""
    digest = hashlib.sha256(f"synthetic recording {seed}".encode()).hexdigest()
    return RecordingInfo(f"session-{seed}.mp4", digest, seconds, *SIZE, "h264", 0, has_audio=True)


def seed_store(
    store: Store,
    *,
    subjects: int = 3,
    sessions: int = 6,
    seconds: float = 90.0,
    questionnaires: bool = True,
    media: tuple[str, RecordingInfo] | None = None,
    now: datetime | None = None,
) -> list[SubjectRecord]:
    """Fill a store: `subjects` people with `sessions` recordings each, a week apart, newest a day before `now`.

    media: relative path and description of one real recording that becomes everybody's newest session.
    """
    end = (now or datetime.now(UTC)).replace(minute=20, second=0, microsecond=0) - timedelta(days=1)
    people = []
    for person in range(subjects):
        subject = store.subjects.get_or_create(label=f"DEMO-{person + 1:02d}", is_demo=True)
        people.append(subject)
        for k in range(sessions):
            at = end - timedelta(days=7 * (sessions - 1 - k) + (k % 3), hours=person)
            newest = k == sessions - 1
            severity = float(np.clip(0.75 - 0.5 * k / max(sessions - 1, 1) + 0.1 * person - 0.1, 0.05, 0.95))
            _session(store, subject, person * 1000 + k, at, severity, seconds, media if newest else None)
            if questionnaires and k % 2 == 0:
                _questionnaire(store, subject, person * 1000 + k, at + timedelta(hours=1), severity)
    return people


def _session(
    store: Store,
    subject: SubjectRecord,
    seed: int,
    at: datetime,
    severity: float,
    seconds: float,
    media: tuple[str, RecordingInfo] | None,
) -> None:
    path, info = media if media is not None else (None, recording_info(seed, seconds))
    plan = Plan(seconds=info.duration_s, severity=severity, coverage=0.2 if seed % 7 == 3 else 0.9)
    session = store.sessions.create(
        subject_id=subject.id,
        recorded_at=at,
        recording=info,
        original_name=f"week-{seed % 1000 + 1}.mp4",
        media_path=path,
        consent=Consent(at=at, by="demo", text_version="1"),
        is_demo=True,
    )
    analysis = replace_recording(synthetic_analysis(seed, plan), info)
    found = versioned_measures(analysis, Settings()) | _heard(seed, severity)
    store.analyses.save(session_id=session.id, analysis=analysis, measures=found)


def _heard(seed: int, severity: float) -> dict[str, float]:
    """Measures of a voice that grows quieter and more monotonous with severity; nobody spoke."""
    draw = np.random.default_rng(seed)
    middle = {
        "pitch_mean": (27.0, 0.4), "pitch_sd": (3.6 - 1.6 * severity, 0.2), "loudness_sd": (5.2 - 1.5 * severity, 0.3),
        "speaking_share": (0.5 - 0.2 * severity, 0.04), "pauses_a_minute": (12 + 8 * severity, 1.5),
        "speech_rate": (3.9 - 0.9 * severity, 0.15),
    }  # fmt: skip
    return {name: float(draw.normal(mean, spread)) for name, (mean, spread) in middle.items()}


def replace_recording(analysis: SessionAnalysis, info: RecordingInfo) -> SessionAnalysis:
    """The same analysis of another recording."""
    return replace(analysis, recording=info)


def _questionnaire(store: Store, subject: SubjectRecord, seed: int, at: datetime, severity: float) -> None:
    rng = np.random.default_rng(seed)
    items = [int(v) for v in np.clip(np.round(rng.normal(2.6 * severity, 0.6, 9)), 0, 3)]
    items[8] = 0
    store.questionnaires.save(
        subject_id=subject.id,
        scale=Scale.PHQ9,
        items=items,
        difficulty=round(3 * severity) if any(items) and seed % 5 else None,
        answered_at=at,
        source=QuestionnaireSource.DEMO,
    )


def _seen(rng: np.random.Generator, n: int, coverage: float) -> np.ndarray:
    seen = np.ones(n, dtype=bool)
    while seen.mean() > coverage:
        start, length = int(rng.integers(0, n)), int(rng.integers(1, max(2, n // 15)))
        seen[start : start + length] = False
    if not seen.any():
        seen[0] = True
    return seen


def _emotions(rng: np.random.Generator, n: int, plan: Plan) -> np.ndarray:
    habit = dict.fromkeys(EMOTIONS, -2.6) | {
        "neutral": 1.1,
        "happiness": 0.9 - 2.6 * plan.severity,
        "sadness": -2.2 + 2.6 * plan.severity,
        "anger": -2.8 + 0.8 * plan.severity,
    }
    base = np.array([habit[name] for name in EMOTIONS])
    logits = np.empty((n, 7))
    logits[0] = base
    for i in range(1, n):
        logits[i] = logits[i - 1] + 0.18 * (base - logits[i - 1]) + rng.normal(0, 0.28, 7)
    for _ in range(max(1, n // 25)):
        which = rng.choice(7, p=[0.1, 0.05, 0.1, 0.4 - 0.3 * plan.severity, 0.05, 0.1 + 0.3 * plan.severity, 0.2])
        centre, width = rng.integers(0, n), rng.uniform(1.5, 6)
        logits[:, which] += 4.0 * np.exp(-0.5 * ((np.arange(n) - centre) / width) ** 2)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _face(rng: np.random.Generator, n: int, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centre = np.array(SIZE) / 2 + np.cumsum(rng.normal(0, 0.6, (n, 2)), axis=0).clip(-30, 30)
    half = np.array([48.0, 60.0])
    box = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    offsets = np.array([[-18, -15], [18, -15], [0, 5], [-14, 26], [14, 26]], dtype=np.float64)
    landmarks = (centre[:, None, :] + offsets[None]).astype(np.float32)
    box[~seen] = np.nan
    landmarks[~seen] = np.nan
    return box, landmarks


def _phq(rng: np.random.Generator, plan: Plan, coverage: float) -> PhqResult:
    if coverage < 0.3:
        return PhqUnavailable(UnavailableReason.LOW_COVERAGE)
    score = float(np.clip(22 * plan.severity + rng.normal(0, 1.5), 0, 24))
    low, high = max(0.0, score - 6.3), min(24.0, score + 6.3)
    return PhqEstimate(
        round(score, 1),
        round(low, 1),
        round(high, 1),
        0.9,
        Scale.PHQ8,
        plan.provenance,
        plan.model_id,
        (Modality.FACE,),
    )
