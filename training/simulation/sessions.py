"""A simulated cohort as labelled sessions with features: `python -m training.simulation.sessions OUT`.

The cohort is for trying and testing the machinery, from a folder of features files with their manifest to a trained
head; it says nothing about any person. `training.simulation.severity`, `training.simulation.speech` and
`training.simulation.behaviour.seconds` describe what is simulated, with its literature.

Behaviour and interviewer are drawn from numbers of their own: face, voice and words of a seed are the same with them
and without.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from fer_phq.core.emotions import EMOTIONS, emotion_index
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality, Scale
from fer_phq.features.files import write_features
from training import cli
from training.phq.data.dataset import LabelledDataset
from training.phq.data.sessions import LabelledSession, SourceKind
from training.simulation import messages
from training.simulation.behaviour.seconds import OFFSETS, Bearing, BehaviourLinks, draw_bearing, draw_behaviour
from training.simulation.severity import (
    SEVERITY_MAX,
    EmbeddingBank,
    ExpressionLinks,
    SimulatedSession,
    draw_severity,
    make_synthetic_bank,
    simulate_session,
)
from training.simulation.speech import (
    InterviewerLinks,
    SpeechLinks,
    draw_interviewer,
    draw_speaker,
    draw_voice,
    draw_words,
    join_words,
)

Float = npt.NDArray[np.float64]

LATENTS = {
    Modality.FACE: tuple(range(8)),
    Modality.VOICE: (8, 9, 10),
    Modality.WORDS: (8, 11, 12),
    Modality.BEHAVIOUR: (emotion_index("happiness"), *range(13, 22)),
}
"""Columns of `SimulatedCohort.latents` that show in each modality: shares and rate of expressions; pauses, pitch and
loudness; pauses, first-person and absolutist words; the share of happiness, and what `Bearing.latents` returns."""


@dataclass(frozen=True)
class Cohort:
    """The cohort to simulate.

    Attributes:
        subjects: Number of subjects.
        sessions: Number of sessions of each subject.
        seconds: Shortest and longest session; durations are log-uniform.
        fps: Frames a second.
        face_gap: Share of frames without a face, in runs of five seconds.
        missing: Share of sessions that lack each modality.
        links: How severity moves expressions.
        speech: How severity moves speech.
        behaviour: How severity moves facial behaviour.
        interviewer: How severity moves the interviewer: not at all, unless a leak is planted.
        everyone_counts: Whether the interviewer's utterances are among the subject's, as from a transcript that names
            no speakers: the way in for a leak of the interviewer.
        longer: Change of the logarithm of a session's duration from PHQ 0 to PHQ 24: a leak of the length, none by
            default.
    """

    subjects: int
    sessions: int = 1
    seconds: tuple[float, float] = (30, 300)
    fps: float = 2.0
    face_gap: float = 0.1
    missing: Mapping[Modality, float] = field(default_factory=dict)
    links: ExpressionLinks = field(default_factory=ExpressionLinks)
    speech: SpeechLinks = field(default_factory=SpeechLinks)
    behaviour: BehaviourLinks = field(default_factory=BehaviourLinks)
    interviewer: InterviewerLinks = field(default_factory=InterviewerLinks)
    everyone_counts: bool = False
    longer: float = 0.0


@dataclass(frozen=True, eq=False)
class SimulatedCohort:
    """Simulated sessions.

    Attributes:
        data: n sessions with their features.
        latents: (n, k) float64, what an ideal observer would know of each session.
    """

    data: LabelledDataset
    latents: Float


def simulate(cohort: Cohort, seed: int, bank: EmbeddingBank | None = None) -> SimulatedCohort:
    """Draw a cohort.

    Args:
        cohort: What is simulated.
        seed: Seed of everything but the synthetic bank.
        bank: The face images' embeddings and probabilities, from which frames are drawn; a synthetic one when omitted.
    """
    rng = np.random.default_rng(seed)
    behaviour_rng = np.random.default_rng((seed, 1))
    interviewer_rng = np.random.default_rng((seed, 2))
    bank = bank or make_synthetic_bank(np.random.default_rng(0))
    labelled = []
    features = []
    latents = []
    interviewers = []
    for subject, total in enumerate(draw_severity(cohort.subjects, rng)):
        face = cohort.links.person * rng.normal(size=7)
        person = _Person(subject, int(total), face, rng.normal(size=6), behaviour_rng.normal(size=OFFSETS))
        for number in range(cohort.sessions):
            seconds = _draw_seconds(cohort, person, rng)
            session_features, session_latents = _simulate_features(cohort, bank, person, seconds, rng, behaviour_rng)
            severity = person.total / SEVERITY_MAX
            interviewer = draw_interviewer(severity, seconds, cohort.interviewer, interviewer_rng)
            if cohort.everyone_counts and session_features.words is not None:
                session_features = replace(session_features, words=join_words(session_features.words, interviewer))
            name = f"S{subject:05d}-{number}"
            labelled.append(
                LabelledSession(
                    name, f"S{subject:05d}", Scale.PHQ8, float(total), SourceKind.FEATURES, Path(f"{name}.npz")
                )
            )
            features.append(session_features)
            interviewers.append(interviewer)
            latents.append(session_latents)
    return SimulatedCohort(
        LabelledDataset(tuple(labelled), tuple(features), interviewers=tuple(interviewers)), np.array(latents)
    )


@dataclass(frozen=True, eq=False)
class _Person:
    """A subject: its number, PHQ-8 total, and offsets of expressions (7,), speech (6,) and behaviour (11,)."""

    subject: int
    total: int
    face: Float
    speech: Float
    behaviour: Float


def _draw_seconds(cohort: Cohort, person: _Person, rng: np.random.Generator) -> float:
    """Draw how long a session lasts."""
    low, high = np.log(cohort.seconds)
    return float(np.exp(rng.uniform(low, high) + cohort.longer * person.total / SEVERITY_MAX))


def _simulate_features(
    cohort: Cohort,
    bank: EmbeddingBank,
    person: _Person,
    seconds: float,
    rng: np.random.Generator,
    behaviour_rng: np.random.Generator,
) -> tuple[SessionFeatures, list[float]]:
    """Simulate one session: its features, and its latents."""
    severity = person.total / SEVERITY_MAX
    frames = max(8, int(seconds * cohort.fps))
    session = simulate_session(person.subject, person.total, person.face, frames, cohort.fps, cohort.links, rng)
    speaker = draw_speaker(severity, person.speech, cohort.speech, rng)
    series, emotions = _draw_face(session, bank, cohort, rng)
    voice = draw_voice(speaker, seconds, rng)
    words = draw_words(speaker, seconds, rng)
    bearing = draw_bearing(severity, person.behaviour, cohort.behaviour, behaviour_rng)
    behaviour = _draw_behaviour(bearing, session, series, cohort, behaviour_rng)
    generators = {Modality.BEHAVIOUR: behaviour_rng}
    draws = {modality: generators.get(modality, rng).random() for modality in Modality}
    absent = {modality: draw < cohort.missing.get(modality, 0.0) for modality, draw in draws.items()}
    features = SessionFeatures(
        face=None if absent[Modality.FACE] else series,
        voice=None if absent[Modality.VOICE] else voice,
        words=None if absent[Modality.WORDS] else words,
        emotions=None if absent[Modality.FACE] else emotions,
        behaviour=None if absent[Modality.BEHAVIOUR] else behaviour,
    )
    return features, [*_face_latents(session), *speaker.latents(), *bearing.latents()]


def _draw_behaviour(
    bearing: Bearing, session: SimulatedSession, face: FeatureSeries, cohort: Cohort, rng: np.random.Generator
) -> FeatureSeries:
    """Draw the behaviour of the seconds in which the face is visible."""
    assert face.time_s is not None
    seconds = max(1, int(len(session.expressions) / cohort.fps))
    visible = np.zeros(seconds, bool)
    visible[np.minimum(face.time_s.astype(np.int64), seconds - 1)] = True
    return draw_behaviour(bearing, session.expressions, cohort.fps, visible, rng)


def _face_latents(session: SimulatedSession) -> list[float]:
    """Compute the log shares of the seven expressions and the log rate of change: what every frame tells."""
    counts = np.bincount(session.expressions, minlength=len(EMOTIONS)) + 0.5
    changes = (np.diff(session.expressions) != 0).sum() + 0.5
    return [*np.log(counts / counts.sum()), float(np.log(changes / len(session.expressions)))]


def _draw_face(
    session: SimulatedSession, bank: EmbeddingBank, cohort: Cohort, rng: np.random.Generator
) -> tuple[FeatureSeries, npt.NDArray[np.float32]]:
    """Draw the embeddings and probabilities of the frames in which the face is visible."""
    if bank.probabilities is None:
        raise ValueError("The bank must know its images' probabilities.")
    frames = len(session.expressions)
    run = max(1, int(5 * cohort.fps))
    lost = np.repeat(rng.random(frames // run + 1) < cohort.face_gap, run)[:frames]
    visible = np.flatnonzero(~lost) if not lost.all() else np.arange(frames)
    images = bank.draw(session, rng)[visible]
    embeddings = np.asarray(bank.embeddings[images] + bank.offset(rng), np.float32)
    duration_s = np.full(len(visible), 1 / cohort.fps)
    series = FeatureSeries(embeddings, visible / cohort.fps, bank.kind, duration_s=duration_s, rate_hz=cohort.fps)
    return series, bank.probabilities[images]


def write_cohort(data: LabelledDataset, folder: Path) -> Path:
    """Write a features file for each session, and `manifest.csv`.

    Args:
        data: The sessions.
        folder: Where the files go; it is made where it is missing.

    Returns:
        The manifest's path.

    Raises:
        OSError: The folder cannot be written.
        FerPhqError: A features file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    interviewers = data.interviewers or (None,) * len(data)
    for session, features, interviewer in zip(data.sessions, data.features, interviewers, strict=True):
        write_features(features, folder / session.path, interviewer)
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["subject_id", "scale", "score", "features"])
        for session in data.sessions:
            writer.writerow([session.subject_id, session.scale, int(session.score), session.path])
    return manifest


@cli.command
def simulate_command(
    out: Annotated[Path, typer.Argument(help="Folder for the features files and manifest.csv.")],
    subjects: Annotated[int, typer.Option(help="Number of subjects.")] = 100,
    sessions: Annotated[int, typer.Option(help="Of each subject.")] = 1,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    questions: Annotated[float, typer.Option(help="Planted leak: the interviewer's questions, log change.")] = 0.0,
    longer: Annotated[float, typer.Option(help="Planted leak: the session's duration, log change.")] = 0.0,
    everyone_counts: Annotated[
        bool, typer.Option("--everyone-counts", help="The interviewer's utterances are among the subject's.")
    ] = False,
) -> None:
    """Write a simulated cohort as labelled sessions with features."""
    leaks = Cohort(
        subjects,
        sessions,
        interviewer=InterviewerLinks(questions=questions),
        everyone_counts=everyone_counts,
        longer=longer,
    )
    cohort = simulate(leaks, seed)
    try:
        print(write_cohort(cohort.data, out))
    except OSError as error:
        raise FerPhqError(messages.SESSIONS_NOT_WRITTEN(folder=str(out), error=error.strerror or str(error))) from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(simulate_command, argv, "training.simulation.sessions")


if __name__ == "__main__":
    sys.exit(main())
