"""A simulated cohort as labelled sessions with features: `python -m training.simulation.sessions OUT`.

For trying and testing the machinery, from a folder of features files with their manifest to a trained head; it says
nothing about any person. What is simulated, and whence, stand in `training.simulation.severity` and
`training.simulation.speech`.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality, Scale
from fer_phq.features.files import write_features
from training.phq.data.dataset import LabelledDataset
from training.phq.data.sessions import LabelledSession, SourceKind
from training.simulation.severity import (
    SEVERITY_MAX,
    EmbeddingBank,
    Links,
    SimulatedSession,
    draw_severity,
    simulate_session,
    synthetic_bank,
)
from training.simulation.speech import SpeechLinks, draw_speaker, draw_voice, draw_words

Float = npt.NDArray[np.float64]

LATENTS = {Modality.FACE: tuple(range(8)), Modality.VOICE: (8, 9, 10), Modality.WORDS: (8, 11, 12)}
"""Columns of `Simulated.latents` that show in each modality: shares and rate of expressions; pauses, pitch, loudness;
pauses, first-person and absolutist words."""


@dataclass(frozen=True)
class Cohort:
    """What is simulated.

    seconds: shortest and longest session (log-uniform). fps: frames a second. face_gap: share of frames without a
    face, in runs of five seconds. missing: share of sessions without a modality. sessions: of each subject.
    """

    subjects: int
    sessions: int = 1
    seconds: tuple[float, float] = (30, 300)
    fps: float = 2.0
    face_gap: float = 0.1
    missing: Mapping[Modality, float] = field(default_factory=dict)
    links: Links = field(default_factory=Links)
    speech: SpeechLinks = field(default_factory=SpeechLinks)


@dataclass(frozen=True, eq=False)
class Simulated:
    """Sessions with their features, and latents (n, k): what an ideal observer would know of each."""

    data: LabelledDataset
    latents: Float


def simulate(cohort: Cohort, seed: int, bank: EmbeddingBank | None = None) -> Simulated:
    """Draw a cohort. bank: where frames come from (with probabilities); a synthetic one when there is none."""
    rng = np.random.default_rng(seed)
    bank = bank or synthetic_bank(np.random.default_rng(0))
    labelled = []
    features = []
    latents = []
    for subject, total in enumerate(draw_severity(cohort.subjects, rng)):
        face = cohort.links.person * rng.normal(size=7)
        speech = rng.normal(size=6)
        for number in range(cohort.sessions):
            found, known = _session(cohort, bank, subject, int(total), face, speech, rng)
            name = f"S{subject:05d}-{number}"
            labelled.append(
                LabelledSession(
                    name, f"S{subject:05d}", Scale.PHQ8, float(total), SourceKind.FEATURES, Path(f"{name}.npz")
                )
            )
            features.append(found)
            latents.append(known)
    return Simulated(LabelledDataset(tuple(labelled), tuple(features)), np.array(latents))


def _session(
    cohort: Cohort,
    bank: EmbeddingBank,
    subject: int,
    total: int,
    face: Float,
    speech: Float,
    rng: np.random.Generator,
) -> tuple[SessionFeatures, list[float]]:
    low, high = np.log(cohort.seconds)
    seconds = float(np.exp(rng.uniform(low, high)))
    shown = simulate_session(subject, total, face, max(8, int(seconds * cohort.fps)), cohort.fps, cohort.links, rng)
    speaker = draw_speaker(total / SEVERITY_MAX, speech, cohort.speech, rng)
    channel, emotions = _face(shown, bank, cohort, rng)
    voice = draw_voice(speaker, seconds, rng)
    words = draw_words(speaker, seconds, rng)
    absent = {modality: rng.random() < cohort.missing.get(modality, 0.0) for modality in Modality}
    found = SessionFeatures(
        face=None if absent[Modality.FACE] else channel,
        voice=None if absent[Modality.VOICE] else voice,
        words=None if absent[Modality.WORDS] else words,
        emotions=None if absent[Modality.FACE] else emotions,
    )
    return found, [*_seen(shown), *speaker.latents()]


def _seen(shown: SimulatedSession) -> list[float]:
    """What somebody knows who sees the expression of every frame: log shares of the seven, and log rate of change."""
    counts = np.bincount(shown.expressions, minlength=len(EMOTIONS)) + 0.5
    changes = (np.diff(shown.expressions) != 0).sum() + 0.5
    return [*np.log(counts / counts.sum()), float(np.log(changes / len(shown.expressions)))]


def _face(
    shown: SimulatedSession, bank: EmbeddingBank, cohort: Cohort, rng: np.random.Generator
) -> tuple[FeatureSeries, npt.NDArray[np.float32]]:
    """The frames in which the face was found."""
    if bank.probabilities is None:
        raise ValueError("The bank must know its images' probabilities.")
    frames = len(shown.expressions)
    run = max(1, int(5 * cohort.fps))
    lost = np.repeat(rng.random(frames // run + 1) < cohort.face_gap, run)[:frames]
    seen = np.flatnonzero(~lost) if not lost.all() else np.arange(frames)
    images = bank.draw(shown, rng)[seen]
    embeddings = np.asarray(bank.embeddings[images] + bank.offset(rng), np.float32)
    return FeatureSeries(embeddings, seen / cohort.fps, bank.kind), bank.probabilities[images]


def write_cohort(data: LabelledDataset, folder: Path) -> Path:
    """Write a features file for each session and `manifest.csv`; the manifest's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for session, features in zip(data.sessions, data.features, strict=True):
        write_features(features, folder / session.path)
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["subject_id", "scale", "score", "features"])
        for session in data.sessions:
            writer.writerow([session.subject_id, session.scale, int(session.score), session.path])
    return manifest


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.simulation.sessions", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--subjects", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=1, help="of each subject")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    try:
        simulated = simulate(Cohort(options.subjects, options.sessions), options.seed)
        print(write_cohort(simulated.data, options.out))
    except (FerPhqError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
