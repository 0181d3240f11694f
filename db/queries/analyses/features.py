"""The series of one analysis, from and to bytes: the face's embeddings, voice, words, behaviour and turns."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from db import messages
from db.queries.base import Queries, get_row
from db.records import EmbeddingRecord
from db.tables import AnalysisRow, BehaviourRow, ChannelRow, EmbeddingRow, TurnsRow
from fer_phq.core.analysis import SessionAnalysis, SpeakerChoice
from fer_phq.core.arrays import TimeArray
from fer_phq.core.errors import StoreError
from fer_phq.core.feature_series import FeatureSeries, hold_until_next
from fer_phq.core.phq import Modality

_HALF = np.dtype("<f2")
_NUMBER = np.dtype("<f4")
_TIME = np.dtype("<f8")


class FeatureQueries(Queries):
    """Loading the arrays of an analysis."""

    def load_embeddings(self, *, analysis_id: str) -> EmbeddingRecord:
        """Load the embeddings of an analysis, a row for each frame with a face.

        Raises:
            NotFoundError: There is no such analysis, or it has no embeddings.
        """
        with self._reading() as session:
            get_row(session, AnalysisRow, analysis_id)
            return embeddings_of(session, analysis_id)

    def kinds(self, *, analysis_id: str) -> dict[Modality, str]:
        """Read the kind of an analysis's voice and words, where it has them, without reading their rows."""
        query = select(ChannelRow.modality, ChannelRow.kind).where(ChannelRow.analysis_id == analysis_id)
        with self._reading() as session:
            return {Modality(modality): kind for modality, kind in session.execute(query)}

    def behaviour_kind(self, *, analysis_id: str) -> str | None:
        """Read the kind of an analysis's behaviour series without reading its rows; None where it has none."""
        query = select(BehaviourRow.kind).where(BehaviourRow.analysis_id == analysis_id)
        with self._reading() as session:
            return session.scalar(query)

    def load_behaviour(self, *, analysis_id: str) -> FeatureSeries | None:
        """Load the facial behaviour of an analysis; None where its face was not followed.

        Raises:
            NotFoundError: There is no such analysis.
        """
        with self._reading() as session:
            get_row(session, AnalysisRow, analysis_id)
            return behaviour_of(session, analysis_id)

    def turns_kind(self, *, analysis_id: str) -> str | None:
        """Read the kind of an analysis's turns without reading their rows; None where it has none."""
        query = select(TurnsRow.kind).where(TurnsRow.analysis_id == analysis_id)
        with self._reading() as session:
            return session.scalar(query)

    def load_turns(self, *, analysis_id: str) -> FeatureSeries | None:
        """Load everybody's turns of an analysis; None where they were not told.

        Raises:
            NotFoundError: There is no such analysis.
        """
        with self._reading() as session:
            get_row(session, AnalysisRow, analysis_id)
            return turns_of(session, analysis_id)[0]

    def speaker_choice(self, *, analysis_id: str) -> SpeakerChoice | None:
        """Read how the subject's speaker was found in an analysis, or why it is not known; None without a turn."""
        query = select(TurnsRow.speaker_choice).where(TurnsRow.analysis_id == analysis_id)
        with self._reading() as session:
            choice = session.scalar(query)
            return None if choice is None else SpeakerChoice(choice)

    def load_series(self, *, analysis_id: str) -> dict[Modality, FeatureSeries]:
        """Load the voice and the words of an analysis, those of the two that it has.

        Raises:
            NotFoundError: There is no such analysis.
        """
        with self._reading() as session:
            get_row(session, AnalysisRow, analysis_id)
            return channels_of(session, analysis_id)


def embedding_row(analysis: SessionAnalysis) -> dict[str, Any]:
    """Return the columns of an analysis's `EmbeddingRow`, its id aside.

    Raises:
        StoreError: An embedding is not finite in float16.
    """
    with np.errstate(over="ignore"):
        half = analysis.embeddings.astype(_HALF)
    if not np.isfinite(half).all():
        raise StoreError(messages.NOT_FINITE())
    return {
        "dim": analysis.embeddings.shape[1],
        "rows": len(half),
        "embeddings": half.tobytes(),
        "time_s": analysis.face_time_s.astype(_TIME).tobytes(),
        "kind": analysis.face_kind,
    }


def embeddings_of(session: Session, analysis_id: str) -> EmbeddingRecord:
    """Load the embeddings of an analysis, in an open transaction.

    Args:
        session: The open transaction.
        analysis_id: The analysis's UUID.

    Raises:
        NotFoundError: The analysis has no embeddings.
    """
    row = get_row(session, EmbeddingRow, analysis_id)
    half = np.frombuffer(row.embeddings, _HALF).reshape(row.rows, row.dim)
    return EmbeddingRecord(
        time_s=np.frombuffer(row.time_s, _TIME).astype(np.float64), embeddings=half.astype(np.float32), kind=row.kind
    )


def channel_rows(analysis: SessionAnalysis) -> list[dict[str, Any]]:
    """Return the columns of an analysis's `ChannelRow`s: one for its voice and one for its words, where it has them.

    A channel without rows of its own is kept too.
    """
    channels = {Modality.VOICE: analysis.voice, Modality.WORDS: analysis.words}
    return [
        {
            "modality": str(modality),
            "kind": channel.kind,
            "names": list(channel.names),
            "width": channel.width,
            "rows": len(channel),
            "numbers": channel.values.astype(_NUMBER).tobytes(),
            "time_s": None if channel.time_s is None else channel.time_s.astype(_TIME).tobytes(),
        }
        for modality, channel in channels.items()
        if channel is not None
    ]


def behaviour_row(analysis: SessionAnalysis) -> dict[str, Any] | None:
    """Return the columns of an analysis's `BehaviourRow`, its id aside; None where its face was not followed.

    Raises:
        StoreError: A number is not finite in float16.
    """
    series = analysis.behaviour
    if series is None or series.time_s is None or series.duration_s is None:
        return None
    with np.errstate(over="ignore"):
        half = series.values.astype(_HALF)
    if np.isinf(half).any():
        raise StoreError(messages.NOT_FINITE())
    return {
        "kind": series.kind,
        "names": list(series.names),
        "width": series.width,
        "rows": len(series),
        "rate_hz": series.rate_hz or 0.0,
        "last_s": float(series.duration_s[-1]) if len(series) else 0.0,
        "numbers": half.tobytes(),
        "time_s": series.time_s.astype(_TIME).tobytes(),
    }


def behaviour_of(session: Session, analysis_id: str) -> FeatureSeries | None:
    """Load the behaviour of an analysis, in an open transaction; None where its face was not followed.

    Args:
        session: The open transaction.
        analysis_id: The analysis's UUID.
    """
    row = session.get(BehaviourRow, analysis_id)
    if row is None:
        return None
    time_s = np.frombuffer(row.time_s, _TIME).astype(np.float64)
    return FeatureSeries(
        values=np.frombuffer(row.numbers, _HALF).reshape(row.rows, row.width).astype(np.float32),
        time_s=time_s,
        kind=row.kind,
        names=tuple(row.names),
        duration_s=hold_until_next(time_s, row.last_s),
        rate_hz=row.rate_hz,
    )


def turns_row(analysis: SessionAnalysis) -> dict[str, Any] | None:
    """Return the columns of an analysis's `TurnsRow`, its id aside; None where turns were not told."""
    series = analysis.turns
    if series is None or series.time_s is None or series.duration_s is None:
        return None
    return {
        "kind": series.kind,
        "names": list(series.names),
        "width": series.width,
        "rows": len(series),
        "speaker_choice": analysis.speaker_choice,
        "numbers": series.values.astype(_NUMBER).tobytes(),
        "time_s": series.time_s.astype(_TIME).tobytes(),
        "duration_s": series.duration_s.astype(_TIME).tobytes(),
    }


def turns_of(session: Session, analysis_id: str) -> tuple[FeatureSeries | None, SpeakerChoice | None]:
    """Load everybody's turns of an analysis, and how the subject's speaker was found, in an open transaction.

    Args:
        session: The open transaction.
        analysis_id: The analysis's UUID.

    Returns:
        None and None where turns were not told.
    """
    row = session.get(TurnsRow, analysis_id)
    if row is None:
        return None, None
    series = FeatureSeries(
        values=np.frombuffer(row.numbers, _NUMBER).reshape(row.rows, row.width).astype(np.float32),
        time_s=np.frombuffer(row.time_s, _TIME).astype(np.float64),
        kind=row.kind,
        names=tuple(row.names),
        duration_s=np.frombuffer(row.duration_s, _TIME).astype(np.float64),
    )
    return series, None if row.speaker_choice is None else SpeakerChoice(row.speaker_choice)


def channels_of(session: Session, analysis_id: str) -> dict[Modality, FeatureSeries]:
    """Load the voice and the words of an analysis, those of the two that it has, in an open transaction.

    Args:
        session: The open transaction.
        analysis_id: The analysis's UUID.
    """
    rows = session.scalars(select(ChannelRow).where(ChannelRow.analysis_id == analysis_id))
    return {Modality(row.modality): _channel(row) for row in rows}


def _channel(row: ChannelRow) -> FeatureSeries:
    values = np.frombuffer(row.numbers, _NUMBER).reshape(row.rows, row.width)
    time_s = None if row.time_s is None else np.frombuffer(row.time_s, _TIME).astype(np.float64)
    return FeatureSeries(
        values=values.astype(np.float32),
        time_s=time_s,
        kind=row.kind,
        names=tuple(row.names),
        duration_s=_held_durations(time_s) if row.modality == Modality.VOICE else None,
    )


def _held_durations(time_s: TimeArray | None) -> TimeArray | None:
    """Return how long the rows of a voice stand for, where one of them stands for a long silence; else None.

    Its rows follow each other without a gap, so their times say it.
    """
    steps = np.diff(time_s) if time_s is not None else np.zeros(0)
    if time_s is None or not len(steps) or steps.max() < 2 * steps.min():
        return None
    return hold_until_next(time_s, float(steps.min()))
