"""Tables of OpenFace 2 and py-feat: a row a frame with a face's action units, gaze, pose and emotions.

OpenFace has times, the tracker's confidence and whether it followed the face (`success`). py-feat counts frames and has
the detector's score; its `approx_time` has whole seconds. Landmarks are left out.
https://github.com/TadasBaltrusaitis/OpenFace/wiki/Output-Format, https://py-feat.org
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

import numpy as np

from fer_phq.annotations import messages
from fer_phq.annotations.readers.files import SeriesFile, UnusableFile, check_end
from fer_phq.core.csv_input import Column, CsvReader, OtherColumns, Row, TableFormat, plain_name
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.feature_series import FeatureSeries

OPENFACE = "OpenFace"
PY_FEAT = "py-feat"
MIN_SCORE = 0.5
"""Detector's score from which py-feat itself takes a face for one."""
_OPENFACE_VALUES = re.compile(r"au\d\d_[rc]|gaze_[01]_[xyz]|gaze_angle_[xy]|pose_[tr][xyz]", re.ASCII)
_PY_FEAT_VALUES = re.compile(rf"au\d\d|pitch|roll|yaw|{'|'.join(EMOTIONS)}", re.ASCII)
_TIME = re.compile(r"(?:(\d+):)?(\d+):(\d+)", re.ASCII)


def series_format(heading: Sequence[str]) -> str | None:
    """Tell whose table it is.

    Args:
        heading: The cells of its heading.

    Returns:
        `OPENFACE`, `PY_FEAT` or None.
    """
    names = {plain_name(cell) for cell in heading}
    if {"timestamp", "confidence", "success"} <= names:
        return OPENFACE
    return PY_FEAT if {"frame", "facescore"} <= names else None


def read_series_table(
    text: TextIO,
    *,
    face: str | None = None,
    min_confidence: float = 0.0,
    frame_rate: float | None = None,
    duration_s: float | None = None,
) -> SeriesFile:
    """Read a table of OpenFace or py-feat.

    Args:
        text: The table, seekable, opened with `newline=""`.
        face: Which face of several, as the column face_id or identity has it.
        min_confidence: Rows with less confidence are missing, 0 to 1. Those that OpenFace calls no success, and those
            with a score of py-feat below `MIN_SCORE`, are missing anyway.
        frame_rate: How many frames a second py-feat analysed.
        duration_s: The recording's length in seconds, where it is known.

    Raises:
        UnusableFile: It is neither, a number or a time is none, times go back or beyond the recording, there are
            several faces, or frames without a rate.
    """
    probe = CsvReader(text, TableFormat((Column("frame"), Column("timestamp")), OtherColumns.IGNORED))
    kind = series_format(probe.heading)
    if probe.fault is not None or kind is None:
        raise UnusableFile(messages.NOT_SERIES() if probe.fault is None else probe.fault.message)
    pattern = _OPENFACE_VALUES if kind == OPENFACE else _PY_FEAT_VALUES
    names = [cell for cell in probe.heading if pattern.fullmatch(plain_name(cell))]
    if not names:
        raise UnusableFile(messages.NO_MEASUREMENTS())
    columns = _OPENFACE_COLUMNS if kind == OPENFACE else _PY_FEAT_COLUMNS
    values = (Column(plain_name(name)) for name in names)
    reader = CsvReader(text, TableFormat((*columns, *values), OtherColumns.IGNORED, short_rows=False))
    rows = _Rows(kind, tuple(names), min_confidence, frame_rate)
    for row in reader:
        rows.add(row, face)
    problems = [*reader.heading_problems, *reader.row_problems, *([reader.fault] if reader.fault else [])]
    if problems:
        raise UnusableFile(problems[0].message_with_place)
    return rows.series(face, duration_s)


_OPENFACE_COLUMNS = (Column("timestamp", required=True), Column("confidence"), Column("success"), Column("face_id"))
_PY_FEAT_COLUMNS = (Column("frame"), Column("facescore"), Column("approx_time"), Column("identity"))


class _Rows:
    """The rows of one face, as numbers."""

    def __init__(self, kind: str, names: tuple[str, ...], min_confidence: float, frame_rate: float | None) -> None:
        if kind == PY_FEAT and not 0 < (frame_rate or 0.0) < math.inf:
            raise UnusableFile(messages.NO_FRAME_RATE())
        self._kind = kind
        self._names = names
        self._columns = [plain_name(name) for name in names]
        self._min_confidence = min_confidence
        self._frame_rate = frame_rate or 1.0
        self._times = array("d")
        self._values = array("f")
        self._faces: Counter[str] = Counter()
        self._missing = 0
        self._repeated: tuple[int, float] | None = None

    def add(self, row: Row, face: str | None) -> None:
        """Take a row, if it is of the face."""
        owner = row["face_id" if self._kind == OPENFACE else "identity"]
        self._faces[owner] += 1
        if owner != face and face is not None:
            return
        time_s = self._time_s(row)
        is_of_one = face is not None or len(self._faces) == 1
        if is_of_one and self._times and time_s < self._times[-1]:
            raise UnusableFile(messages.BACKWARDS(line=row.line, time_s=time_s))
        if self._repeated is None and self._times and time_s == self._times[-1]:
            self._repeated = row.line, time_s
        self._times.append(time_s)
        is_followed = self._is_followed(row)
        self._missing += not is_followed
        self._values.extend(_number(row, name) if is_followed else math.nan for name in self._columns)

    def series(self, face: str | None, duration_s: float | None) -> SeriesFile:
        """Return the series, once all rows are there."""
        self._check_faces(face)
        times = np.frombuffer(self._times, np.float64)
        if len(times) > 1 and times[0] == times[-1]:
            raise UnusableFile(messages.STANDING_CLOCK(time_s=float(times[0])))
        if self._repeated is not None:
            line, time_s = self._repeated
            raise UnusableFile(messages.UNNAMED_FACES(line=line, time_s=time_s))
        check_end(float(times[-1]), self._kind, duration_s)
        warnings = []
        if self._missing:
            warnings.append(messages.WITHOUT_FACE(n=self._missing, total=len(times)))
        if duration_s is not None and duration_s - times[-1] > max(1.0, 0.01 * duration_s):
            warnings.append(messages.SHORT_SERIES(end_s=float(times[-1]), duration_s=duration_s))
        values = np.frombuffer(self._values, np.float32).reshape(len(times), len(self._names))
        return SeriesFile(self._kind, FeatureSeries(values, times, self._kind, self._names), tuple(warnings))

    def _check_faces(self, face: str | None) -> None:
        if not self._faces:
            raise UnusableFile(messages.NO_ROWS())
        faces = tuple(f"{name or '-'} ({count})" for name, count in self._faces.most_common(10))
        if face is None and len(self._faces) > 1:
            raise UnusableFile(messages.SEVERAL_FACES(faces=faces))
        if not self._times:
            raise UnusableFile(messages.NO_SUCH_FACE(face=str(face), faces=faces))

    def _time_s(self, row: Row) -> float:
        if self._kind == OPENFACE:
            return _number(row, "timestamp", is_time=True)
        frame = _number(row, "frame", is_time=True)
        time_s = frame / self._frame_rate
        clock = _TIME.fullmatch(row["approx_time"])
        if clock:
            hours, minutes, whole = (int(part or 0) for part in clock.groups())
            own_s = 3600 * hours + 60 * minutes + whole
            if abs(own_s - time_s) > 1.5:
                facts = {"rate": self._frame_rate, "frame": int(frame), "time_s": time_s, "own_s": float(own_s)}
                raise UnusableFile(messages.WRONG_FRAME_RATE(line=row.line, **facts))
        return time_s

    def _is_followed(self, row: Row) -> bool:
        if self._kind == OPENFACE:
            is_success = _number(row, "success") == 1
            is_sure = not self._min_confidence or _number(row, "confidence") >= self._min_confidence
            return is_success and is_sure
        return _number(row, "facescore") >= max(MIN_SCORE, self._min_confidence)


def _number(row: Row, column: str, is_time: bool = False) -> float:
    """Read a number; NaN where the cell is empty or says so, which a time may not."""
    cell = row[column]
    try:
        value = math.nan if cell == "" else float(cell)
    except ValueError:
        value = math.inf
    if math.isinf(value) or "_" in cell or (is_time and not value >= 0):
        raise UnusableFile(messages.NOT_A_NUMBER(line=row.line, cell=cell[:40], column=row.label(column)))
    return value
