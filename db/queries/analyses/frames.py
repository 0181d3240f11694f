"""The sampled frames of an analysis: a row for each, or where the installation is encrypted, all in one encrypted row.

The database computes nothing with them, so nothing else changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from sqlalchemy import Table, delete, exists, func, insert, select
from sqlalchemy.orm import Session

from db.encryption.columns import current_key
from db.queries.base import get_row
from db.tables import AnalysisRow, FrameRow, TimelineRow
from fer_phq.core.analysis import BOX_COLUMNS, Timeline, display_durations
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.emotions import EMOTIONS

if TYPE_CHECKING:
    import pandas as pd

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


def timeline_of(session: Session, row: AnalysisRow, rows: range | None = None) -> Timeline:
    """Load the frames of an analysis, in an open transaction.

    Args:
        session: The open transaction.
        row: The analysis.
        rows: Which of its frames, counted from 0; None for all.
    """
    encrypted = session.get(TimelineRow, row.id)
    arrays = _read_frames(session, row.id, rows) if encrypted is None else _read_arrays(encrypted, rows)
    time_s, floats, landmarks = arrays
    return Timeline(
        time_s=time_s,
        emotions=floats[:, :7].copy(),
        box=floats[:, 7:11].copy(),
        landmarks=landmarks,
        detection_score=floats[:, 11].copy(),
        quality=floats[:, 12].copy(),
        end_s=row.end_s,
    )


def frames_of(session: Session, row: AnalysisRow, rows: range | None) -> pd.DataFrame:
    """Load frames of an analysis as a table, with the same numbers whichever of them are read at once.

    Args:
        session: The open transaction.
        row: The analysis.
        rows: Which of its frames, counted from 0; None for all.

    Returns:
        The columns of `Timeline.to_frame`.
    """
    if rows is None:
        return timeline_of(session, row).to_frame()
    # A frame lasts until the next, so one more is read than is returned.
    table = timeline_of(session, row, range(rows.start, rows.stop + 1)).to_frame()
    table["idx"] += rows.start
    if len(table) > len(rows):
        return table.iloc[: len(rows)]
    if len(table) and not (row.end_s or 0.0) > table["time_s"].iloc[-1]:
        durations = display_durations(_read_times(session, row.id), row.end_s)  # the last lasts as long as most do
        table.loc[table.index[-1], "duration_s"] = durations[-1]
    return table


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


def _read_times(session: Session, analysis_id: str) -> TimeArray:
    """Read time_s (n,) of all frames."""
    encrypted = session.get(TimelineRow, analysis_id)
    if encrypted is not None:
        return np.frombuffer(encrypted.time_s, _TIME).astype(np.float64)
    query = select(FrameRow.time_s).where(FrameRow.analysis_id == analysis_id).order_by(FrameRow.idx)
    return np.array(session.scalars(query).all(), dtype=np.float64)


def _read_frames(session: Session, analysis_id: str, rows: range | None) -> tuple[TimeArray, FloatArray, FloatArray]:
    """Read time_s (n,), the columns `_FLOATS` (n, 13) and landmarks (n, 5, 2), NaN where a frame has no face."""
    columns = [getattr(FrameRow, name) for name in _FLOATS]
    query = (
        select(FrameRow.time_s, FrameRow.landmarks, *columns)
        .where(FrameRow.analysis_id == analysis_id)
        .order_by(FrameRow.idx)
    )
    if rows is not None:
        query = query.where(FrameRow.idx >= rows.start, FrameRow.idx < rows.stop)
    frames: Sequence[Any] = session.execute(query).all()
    # None becomes NaN in a float array.
    floats = np.array([tuple(frame[2:]) for frame in frames], dtype=np.float32).reshape(len(frames), len(_FLOATS))
    gap = np.full((5, 2), np.nan, _LANDMARKS).tobytes()
    landmarks = np.frombuffer(b"".join(frame.landmarks or gap for frame in frames), _LANDMARKS)
    time_s = np.array([frame.time_s for frame in frames], dtype=np.float64)
    return time_s, floats, landmarks.reshape(len(frames), 5, 2).astype(np.float32)


def _read_arrays(row: TimelineRow, rows: range | None) -> tuple[TimeArray, FloatArray, FloatArray]:
    """Return what `_read_frames` does, of an encrypted row."""
    part = slice(None) if rows is None else slice(rows.start, rows.stop)
    numbers = np.frombuffer(row.numbers, _NUMBER).reshape(row.rows, _WIDTH)[part].astype(np.float32)
    time_s = np.frombuffer(row.time_s, _TIME)[part].astype(np.float64)
    return time_s, numbers[:, : len(_FLOATS)], numbers[:, len(_FLOATS) :].reshape(len(time_s), 5, 2).copy()
