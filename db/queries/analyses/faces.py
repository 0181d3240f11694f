"""Everybody's faces in an analysis, from and to bytes, their pictures, and the choice of the subject's among them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from db import messages
from db.queries.base import Queries, get_row, utc_now
from db.records import EmbeddingRecord
from db.tables import AnalysisRow, FaceChoiceRow, FacePictureRow, FaceTableRow
from fer_phq.core.analysis import FaceTable, SessionAnalysis, Timeline, TrackSummary
from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import StoreError

_INDEX = np.dtype("<i4")
_NUMBER = np.dtype("<f4")
_EMBEDDING = np.dtype("<f2")
_WIDTH = 16  # box, landmarks, detection score, quality


class FaceQueries(Queries):
    """Choosing the subject's faces of an analysis."""

    def exist(self, *, analysis_id: str) -> bool:
        """Tell whether an analysis has everybody's faces; those of an earlier version have the subject's alone."""
        query = select(FaceTableRow.analysis_id).where(FaceTableRow.analysis_id == analysis_id)
        with self._reading() as session:
            return session.scalar(query) is not None

    def list_tracks(self, *, analysis_id: str) -> tuple[TrackSummary, ...]:
        """Load the face tracks of an analysis that has everybody's faces; none where it has the subject's alone.

        Raises:
            NotFoundError: There is no such analysis.
        """
        query = select(FaceTableRow.analysis_id).where(FaceTableRow.analysis_id == analysis_id)
        with self._reading() as session:
            row = get_row(session, AnalysisRow, analysis_id)
            return () if session.scalar(query) is None else tracks_of(row)

    def list_all_tracks(self, *, analysis_id: str) -> tuple[TrackSummary, ...]:
        """Load the face tracks of an analysis, whosever faces it holds.

        Raises:
            NotFoundError: There is no such analysis.
        """
        with self._reading() as session:
            return tracks_of(get_row(session, AnalysisRow, analysis_id))

    def list_pictures(self, *, analysis_id: str) -> dict[int, bytes]:
        """Load the pictures (JPEG) of an analysis's face tracks, by track; none once the recording is removed."""
        query = select(FacePictureRow.track, FacePictureRow.picture).where(FacePictureRow.analysis_id == analysis_id)
        with self._reading() as session:
            return {row.track: row.picture for row in session.execute(query.order_by(FacePictureRow.track))}

    def choose(self, *, analysis_id: str) -> None:
        """Note that a person chose an analysis by its faces or its sound: from now on it stands for its session.

        Raises:
            NotFoundError: There is no such analysis.
        """
        with self._writing() as session:
            analysis = get_row(session, AnalysisRow, analysis_id)
            session.merge(FaceChoiceRow(analysis_id=analysis_id, at=utc_now()))
            tracks = ", ".join(str(track["track"]) for track in analysis.tracks if track["is_subject"])
            self._audit(
                session, "choose_faces", "analysis", analysis_id, f"session {analysis.session_id}, face tracks {tracks}"
            )


def tracks_of(row: AnalysisRow) -> tuple[TrackSummary, ...]:
    """Return the face tracks of an analysis."""
    return tuple(TrackSummary(**track) for track in row.tracks)


def face_table_row(analysis: SessionAnalysis) -> dict[str, Any] | None:
    """Return the columns of an analysis's `FaceTableRow`, its id aside; None where it has the subject's faces alone.

    Raises:
        StoreError: An embedding is not finite in float16.
    """
    faces = analysis.faces
    if faces is None:
        return None
    others = ~np.isin(faces.track, analysis.subject_tracks)
    with np.errstate(over="ignore"):
        half = faces.embeddings[others].astype(_EMBEDDING)
    if not np.isfinite(half).all():
        raise StoreError(messages.NOT_FINITE())
    return {
        "dim": faces.embeddings.shape[1],
        "rows": len(faces),
        "other_rows": len(half),
        "frame": faces.frame.astype(_INDEX).tobytes(),
        "track": faces.track.astype(_INDEX).tobytes(),
        "numbers": _numbers(faces)[others].astype(_NUMBER).tobytes(),
        "embeddings": half.tobytes(),
    }


def write_faces(
    session: Session, analysis_id: str, analysis: SessionAnalysis, row: dict[str, Any], *, with_pictures: bool
) -> None:
    """Add an analysis's faces, in an open transaction.

    Args:
        session: The open transaction.
        analysis_id: The analysis's UUID.
        analysis: The analysis.
        row: Its `face_table_row`.
        with_pictures: Whether their pictures are stored.
    """
    session.execute(insert(FaceTableRow), [{"analysis_id": analysis_id, **row}])
    if with_pictures and analysis.faces is not None and analysis.faces.pictures:
        pictures = analysis.faces.pictures.items()
        rows = [{"analysis_id": analysis_id, "track": track, "picture": picture} for track, picture in pictures]
        session.execute(insert(FacePictureRow), rows)


def faces_of(
    session: Session, analysis: AnalysisRow, timeline: Timeline, embeddings: EmbeddingRecord
) -> FaceTable | None:
    """Load everybody's faces of an analysis, in an open transaction.

    Args:
        session: The open transaction.
        analysis: The analysis.
        timeline: Its timeline, which has the subject's numbers.
        embeddings: Its embeddings, which are the subject's.

    Returns:
        The faces with their pictures; None where the analysis has the subject's alone.
    """
    row = session.get(FaceTableRow, analysis.id)
    if row is None:
        return None
    frame = np.frombuffer(row.frame, _INDEX).astype(np.int32)
    track = np.frombuffer(row.track, _INDEX).astype(np.int32)
    is_subject = np.isin(track, [summary["track"] for summary in analysis.tracks if summary["is_subject"]])
    numbers = np.zeros((row.rows, _WIDTH), np.float32)
    numbers[~is_subject] = np.frombuffer(row.numbers, _NUMBER).reshape(row.other_rows, _WIDTH)
    numbers[is_subject] = _numbers(timeline)[frame[is_subject]]
    vectors = np.zeros((row.rows, row.dim), np.float32)
    vectors[~is_subject] = np.frombuffer(row.embeddings, _EMBEDDING).reshape(row.other_rows, row.dim)
    vectors[is_subject] = embeddings.embeddings
    pictures = select(FacePictureRow.track, FacePictureRow.picture).where(FacePictureRow.analysis_id == analysis.id)
    return FaceTable(
        frame=frame,
        track=track,
        box=numbers[:, :4].copy(),
        landmarks=numbers[:, 4:14].reshape(row.rows, 5, 2),
        detection_score=numbers[:, 14].copy(),
        quality=numbers[:, 15].copy(),
        embeddings=vectors,
        pictures={row.track: row.picture for row in session.execute(pictures)},
    )


def _numbers(faces: FaceTable | Timeline) -> FloatArray:
    """Return (k, 16) float32: box, landmarks, detection score and quality."""
    landmarks = faces.landmarks.reshape(len(faces), 10)
    return np.column_stack([faces.box, landmarks, faces.detection_score, faces.quality]).astype(np.float32)
