"""Files of all points of a followed face: Parquet, written while a recording is analysed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fer_phq import __version__
from fer_phq.behaviour import messages
from fer_phq.behaviour.follower import FollowedFace
from fer_phq.behaviour.series import KIND
from fer_phq.core.errors import SettingsError
from fer_phq.mesh.points import POINTS

BLOCK_ROWS = 512
"""Frames of a row group, which are held until it is written: three megabytes."""

_PIXELS = "pixels of the recording as it is shown"
_UNITS = {
    "time_s": "seconds from the recording's start",
    "track": "id of the face track; null where the subject's face is not known",
    "presence": "0 to 1",
    "x": f"{_PIXELS}, from its left edge",
    "y": f"{_PIXELS}, from its upper edge",
    "z": f"{_PIXELS}, from the middle of the head, smaller towards the camera",
}
_STORAGE = {"compression": "zstd", "use_dictionary": False, "use_byte_stream_split": True}
"""With dictionaries, as is usual, files are twice as large: no two coordinates are equal."""
_POINTS = pa.list_(pa.float32(), POINTS)
_TYPES = {
    "time_s": pa.float64(),
    "track": pa.int32(),
    "presence": pa.float32(),
    "x": _POINTS,
    "y": _POINTS,
    "z": _POINTS,
}
SCHEMA = pa.schema(
    [pa.field(name, kind, metadata={"unit": _UNITS[name]}) for name, kind in _TYPES.items()],
    metadata={"fer_phq": __version__, "mesh": KIND},
)
"""The columns: a row for each frame, whose lists have the points in the order of their numbers."""


class MeshFile:
    """Writes a Parquet file of meshes; a context manager. The file appears under its name when it is whole.

    Where the disk is full while a recording is analysed, the file is given up and the analysis goes on; `finish` tells.
    """

    def __init__(self, folder: Path) -> None:
        """Begin a file.

        Args:
            folder: Where, which exists.

        Raises:
            SettingsError: No file can be written there.
        """
        self._folder = folder
        self._times: list[float] = []
        self._faces: list[FollowedFace | None] = []
        self._error: SettingsError | None = None
        try:
            descriptor, name = tempfile.mkstemp(".part", ".mesh-", folder)
        except OSError as error:
            raise self._cannot_write(error) from None
        os.close(descriptor)
        self._part = Path(name)
        try:
            self._part.chmod(0o666 & ~_umask())
            self._sink = pa.OSFile(name, "wb")
            self._writer = pq.ParquetWriter(self._sink, SCHEMA, **_STORAGE)
        except OSError as error:
            self._part.unlink(missing_ok=True)
            raise self._cannot_write(error) from None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was not finished."""
        self._discard()

    def add(self, times: Sequence[float], faces: Sequence[FollowedFace | None]) -> None:
        """Write frames.

        Args:
            times: Their times in seconds, after those that were added before.
            faces: The subject's face in each; None where nothing is known of it.
        """
        if self._error is not None:
            return
        self._times += times
        self._faces += faces
        while len(self._faces) >= BLOCK_ROWS:
            self._write(BLOCK_ROWS)

    def finish(self, name: str) -> Path:
        """Write what is left, and give the file its name.

        Args:
            name: The file's name; one that is there is replaced.

        Returns:
            The file.

        Raises:
            SettingsError: It cannot be written.
        """
        if self._faces:
            self._write(len(self._faces))
        if self._error is not None:
            raise self._error
        path = self._folder / name
        try:
            self._writer.close()
            self._sink.close()
            os.replace(self._part, path)
        except OSError as error:
            raise self._cannot_write(error) from None
        return path

    def _write(self, rows: int) -> None:
        table = _table(self._times[:rows], self._faces[:rows])
        del self._times[:rows], self._faces[:rows]
        try:
            self._writer.write_table(table, row_group_size=rows)
        except OSError as error:
            self._error = self._cannot_write(error)
            self._discard()

    def _discard(self) -> None:
        """Remove what was not finished; what else is stored may need the room."""
        self._times.clear()
        self._faces.clear()
        for file in (self._writer, self._sink):
            with contextlib.suppress(OSError):
                file.close()
        self._part.unlink(missing_ok=True)

    def _cannot_write(self, error: OSError) -> SettingsError:
        reason = os.strerror(error.errno) if error.errno else str(error)
        return SettingsError(messages.CANNOT_WRITE_MESHES(folder=str(self._folder), error=reason))


def _table(times: Sequence[float], faces: Sequence[FollowedFace | None]) -> pa.Table:
    seen = np.array([face is not None for face in faces])
    points = np.zeros((len(faces), POINTS, 3), np.float32)
    for row, face in zip(points, faces, strict=True):
        if face is not None:
            row[:] = face.mesh.points * np.float32(face.scale)
    columns: dict[str, Any] = {
        "time_s": pa.array(times, pa.float64()),
        "track": pa.array([None if face is None else face.track for face in faces], pa.int32()),
        "presence": pa.array([None if face is None else face.mesh.presence for face in faces], pa.float32()),
    }
    for axis, name in enumerate("xyz"):
        values = pa.array(np.ascontiguousarray(points[:, :, axis]).ravel())
        columns[name] = pa.FixedSizeListArray.from_arrays(values, type=_POINTS, mask=pa.array(~seen))
    return pa.table(columns, schema=SCHEMA)


def _umask() -> int:
    """Return the mask of new files' rights, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
