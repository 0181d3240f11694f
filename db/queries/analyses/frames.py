"""The sampled frames of an analysis: a row for each, or where the installation is encrypted, all in one encrypted row.

The database computes nothing with them, so nothing else changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from sqlalchemy import Table, delete, exists, func, insert, select
from sqlalchemy.orm import Session

from db.encryption.columns import current_key
from db.queries.base import get_row
from db.tables import AnalysisRow, FrameRow, TimelineRow
from fer_phq.core.analysis import BOX_COLUMNS, Timeline
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.emotions import EMOTIONS

_FLOATS = (*EMOTIONS, *BOX_COLUMNS, "detection_score", "quality")
_FRAMES = cast("Table", FrameRow.__table__)
_LANDMARKS = np.dtype("<f4")
_NUMBER = np.dtype("<f4")
_TIME = np.dtype("<f8")
_WIDTH = len(_FLOATS) + 10  # and five landmarks


def write_timeline(session: Session, analysis_id: str, timeline: Timeline) -> None:
    """Add the frames of an analysis, in an open transaction.

    Args:
        session: The open transaction.
        analysis_id: The analysis's UUID.
        timeline: The frames.
    """
    if not len(timeline):
        return
    if current_key() is None:
        session.connection().execute(insert(_FRAMES), _frame_rows(analysis_id, timeline))
        return
    landmarks = timeline.landmarks.reshape(len(timeline), 10)
    floats = [timeline.emotions, timeline.box, timeline.detection_score, timeline.quality, landmarks]
    row = {
        "analysis_id": analysis_id,
        "rows": len(timeline),
        "time_s": timeline.time_s.astype(_TIME).tobytes(),
        "numbers": np.column_stack(floats).astype(_NUMBER).tobytes(),
    }
    session.execute(insert(TimelineRow), [row])


def timeline_of(session: Session, row: AnalysisRow) -> Timeline:
    """Load the frames of an analysis, in an open transaction.

    Args:
        session: The open transaction.
        row: The analysis.
    """
    encrypted = session.get(TimelineRow, row.id)
    time_s, floats, landmarks = _read_frames(session, row.id) if encrypted is None else _read_arrays(encrypted)
    return Timeline(
        time_s=time_s,
        emotions=floats[:, :7].copy(),
        box=floats[:, 7:11].copy(),
        landmarks=landmarks,
        detection_score=floats[:, 11].copy(),
        quality=floats[:, 12].copy(),
        end_s=row.end_s,
    )


def convert_timelines(session: Session, most: int) -> int:
    """Write the frames of some analyses as the transaction writes frames, and remove them in the other form.

    Args:
        session: The open transaction.
        most: How many analyses at most.

    Returns:
        How many were converted; 0 when none is left.
    """
    analysis_ids = timelines_to_convert(session, most)
    for analysis_id in analysis_ids:
        timeline = timeline_of(session, get_row(session, AnalysisRow, analysis_id))
        for table in (FrameRow, TimelineRow):
            session.execute(delete(table).where(table.analysis_id == analysis_id))
        session.expire_all()
        write_timeline(session, analysis_id, timeline)
    return len(analysis_ids)


def timelines_to_convert(session: Session, most: int) -> list[str]:
    """List analyses whose frames are not as the transaction writes frames, by their UUIDs.

    Args:
        session: The open transaction.
        most: How many at most.
    """
    table = TimelineRow if current_key() is None else FrameRow
    query = select(AnalysisRow.id).where(exists().where(table.analysis_id == AnalysisRow.id))
    return list(session.scalars(query.limit(most)))


def count_plain_timelines(session: Session) -> int:
    """Count the analyses whose frames are plain, in an open transaction."""
    has_frames = exists().where(FrameRow.analysis_id == AnalysisRow.id)
    return session.scalar(select(func.count()).select_from(AnalysisRow).where(has_frames)) or 0


def _frame_rows(analysis_id: str, timeline: Timeline) -> list[dict[str, Any]]:
    """Build the rows to insert. NaN becomes null: every column of a frame without a face, `quality` alone of others."""
    floats = np.column_stack([timeline.emotions, timeline.box, timeline.detection_score, timeline.quality])
    cells = floats.astype(object)
    cells[np.isnan(floats)] = None
    landmarks = timeline.landmarks.astype(_LANDMARKS)
    times = timeline.time_s.tolist()
    has_face = timeline.has_face.tolist()
    return [
        {
            "analysis_id": analysis_id,
            "idx": i,
            "time_s": times[i],
            "landmarks": landmarks[i].tobytes() if has_face[i] else None,
            **dict(zip(_FLOATS, row, strict=True)),
        }
        for i, row in enumerate(cells.tolist())
    ]


def _read_frames(session: Session, analysis_id: str) -> tuple[TimeArray, FloatArray, FloatArray]:
    """Read time_s (n,), the columns `_FLOATS` (n, 13) and landmarks (n, 5, 2), NaN where a frame has no face."""
    columns = [getattr(FrameRow, name) for name in _FLOATS]
    query = (
        select(FrameRow.time_s, FrameRow.landmarks, *columns)
        .where(FrameRow.analysis_id == analysis_id)
        .order_by(FrameRow.idx)
    )
    rows: Sequence[Any] = session.execute(query).all()
    # None becomes NaN in a float array.
    floats = np.array([tuple(row[2:]) for row in rows], dtype=np.float32).reshape(len(rows), len(_FLOATS))
    gap = np.full((5, 2), np.nan, _LANDMARKS).tobytes()
    landmarks = np.frombuffer(b"".join(row.landmarks or gap for row in rows), _LANDMARKS)
    time_s = np.array([row.time_s for row in rows], dtype=np.float64)
    return time_s, floats, landmarks.reshape(len(rows), 5, 2).astype(np.float32)


def _read_arrays(row: TimelineRow) -> tuple[TimeArray, FloatArray, FloatArray]:
    """Return what `_read_frames` does, of an encrypted row."""
    numbers = np.frombuffer(row.numbers, _NUMBER).reshape(row.rows, _WIDTH).astype(np.float32)
    time_s = np.frombuffer(row.time_s, _TIME).astype(np.float64)
    return time_s, numbers[:, : len(_FLOATS)], numbers[:, len(_FLOATS) :].reshape(row.rows, 5, 2).copy()
