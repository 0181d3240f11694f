"""Released features of DAIC-WOZ and E-DAIC sessions: tables of numbers, read into series of face and voice.

    DAIC-WOZ   <id>_P/<id>_CLNF_{AUs,gaze,pose}.txt (30 frames/s), <id>_COVAREP.csv (74 columns, a row each 10 ms)
    E-DAIC     <id>_P/features/<id>_OpenFace2.1.0_Pose_gaze_AUs.csv, <id>_OpenSMILE2.3.0_egemaps.csv

Frames in which the tracker failed or was unsure are left out. What silence or an unvoiced sound does not have (its
pitch) is NaN, not the zero of the files. Rows are reduced to at most ten a second by the mean of what was measured, so
that a session takes a few MB: expressions and prosody are slower than that.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from training.phq.data import messages

ROWS_PER_SECOND = 10
MIN_CONFIDENCE = 0.5
"""Tracker's confidence below which a frame is left out although the tracker calls it a success (our choice)."""
COVAREP_STEP_S = 0.01
TAIL_BYTES = 64 << 10
"""Bytes at a file's end in which its last line lies."""

FRAME = ("frame", "timestamp", "confidence", "success")
VOICED = 1
"""COVAREP's column VUV: 1 where the vocal folds vibrate."""
VOICED_ONLY = (0, 2, 3, 4, 5, 6, 7, 8)
"""F0, NAQ, QOQ, H1H2, PSP, MDQ, peakSlope, Rd: not to be used where VUV is 0 (AVEC 2017 documentation, section 4)."""
COVAREP = (
    *("F0", "VUV", "NAQ", "QOQ", "H1H2", "PSP", "MDQ", "peakSlope", "Rd", "Rd_conf", "creak"),
    *(f"MCEP_{i}" for i in range(25)),
    *(f"HMPDM_{i}" for i in range(25)),
    *(f"HMPDD_{i}" for i in range(13)),
)
NOT_NUMBERS = [
    blank + word for word in ("", "NaN", "nan", "-nan", "-1.#IND", "1.#QNAN", "-nan(ind)", "NA") for blank in ("", " ")
]


@dataclass(frozen=True)
class NumberTable:
    """A kind of file with rows of numbers.

    Attributes:
        name: The file's path in a session's folder, with {id} for the participant.
        leading: Its first columns, which are no features.
        width: The number of further columns.
        delimiter: What stands between columns.
        header: Whether the first line names the columns.
    """

    name: str
    leading: tuple[str, ...]
    width: int
    delimiter: str = ","
    header: bool = True

    @property
    def columns(self) -> int:
        """The number of all columns."""
        return len(self.leading) + self.width

    def path_in(self, folder: Path) -> Path:
        """Return the file of a session's folder `<id>_P` in any case of its name; releases differ in it."""
        path = folder / self.name.format(id=folder.name.removesuffix("_P"))
        if path.is_file() or not path.parent.is_dir():
            return path
        return next((p for p in path.parent.iterdir() if p.name.lower() == path.name.lower()), path)


AUS = NumberTable("{id}_CLNF_AUs.txt", FRAME, 20)
GAZE = NumberTable("{id}_CLNF_gaze.txt", FRAME, 12)
POSE = NumberTable("{id}_CLNF_pose.txt", FRAME, 6)
CLNF = (AUS, GAZE, POSE)
VOICE = NumberTable("{id}_COVAREP.csv", (), len(COVAREP), header=False)
OPENFACE = NumberTable("features/{id}_OpenFace2.1.0_Pose_gaze_AUs.csv", FRAME, 49)
EGEMAPS = NumberTable("features/{id}_OpenSMILE2.3.0_egemaps.csv", ("name", "frametime"), 23, ";")


def load_daic_woz(folder: Path) -> SessionFeatures:
    """Load the features of a session of DAIC-WOZ.

    Args:
        folder: The session's folder `<id>_P`.

    Returns:
        face: 20 action units, 12 numbers of gaze, 6 of head pose (kind daic-clnf-1). voice: 74 of COVAREP, the eight
        that need a voice NaN where there is none, and all of them NaN where an utterance was scrubbed (kind
        daic-covarep-1); VUV becomes the voiced share of each tenth of a second.

    Raises:
        FerPhqError: Files are not as expected.
    """
    return _session_features(folder, _load_clnf(folder), _load_covarep(VOICE.path_in(folder)))


def load_e_daic(folder: Path) -> SessionFeatures:
    """Load the features of a session of E-DAIC.

    Args:
        folder: The session's folder `<id>_P`.

    Returns:
        face: the 49 columns of OpenFace 2.1 (kind edaic-openface-1). voice: the 23 low-level descriptors of eGeMAPS,
        those of the voiced (`..._sma3nz`) NaN where the pitch is 0 (kind edaic-egemaps-1).

    Raises:
        FerPhqError: Files are not as expected.
    """
    path = OPENFACE.path_in(folder)
    leading, values = _read_numbers(path, OPENFACE)
    tracked = _is_tracked(leading)
    names = read_column_names(path, OPENFACE)
    face = _series(path, leading[tracked, 1], values[tracked], "edaic-openface-1", names)
    path = EGEMAPS.path_in(folder)
    leading, values = _read_numbers(path, EGEMAPS)
    names = read_column_names(path, EGEMAPS)
    pitch = next((i for i, name in enumerate(names) if name.startswith("F0")), None)
    if pitch is None:
        raise FerPhqError(messages.NO_PITCH(path=str(path)))
    voiced_only = [i for i, name in enumerate(names) if name.endswith("_sma3nz")]
    values[np.ix_(values[:, pitch] == 0, voiced_only)] = np.nan
    return _session_features(folder, face, _series(path, leading[:, 1], values, "edaic-egemaps-1", names))


def read_column_names(path: Path, table: NumberTable) -> tuple[str, ...]:
    """Read the names of a file's features.

    Args:
        path: The file.
        table: What it should look like.

    Raises:
        FerPhqError: The first line is not as expected.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            line = file.readline().rstrip("\r\n")
    except OSError as error:
        raise FerPhqError(messages.FILE_UNREADABLE(path=str(path), reason=error.strerror or str(error))) from None
    cells = [cell.strip().strip("'\"") for cell in line.split(table.delimiter)]
    if len(cells) != table.columns:
        raise FerPhqError(messages.OTHER_WIDTH(path=str(path), columns=len(cells), expected=table.columns))
    if not table.header:
        if not _is_number(cells[0]):
            raise FerPhqError(messages.UNEXPECTED_HEADER(path=str(path), cell=cells[0]))
        return COVAREP
    for number, (expected, cell) in enumerate(zip(table.leading, cells, strict=False), 1):
        if expected not in cell.lower():  # documented also as frame_number, timestamp(seconds), detection_success
            raise FerPhqError(messages.OTHER_COLUMN(path=str(path), number=number, cell=cell, expected=expected))
    if numeric := next((cell for cell in cells if _is_number(cell)), None):
        raise FerPhqError(messages.NO_HEADER(path=str(path), cell=numeric))
    return tuple(cells[len(table.leading) :])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def check_last_line(path: Path, table: NumberTable) -> None:
    """Check that a file's last line is not cut off, as in an archive that was not copied whole.

    Args:
        path: The file.
        table: What it should look like.

    Raises:
        FerPhqError: It is cut off.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - TAIL_BYTES))
        lines = file.read().rstrip(b"\r\n").split(b"\n")
    columns = lines[-1].count(table.delimiter.encode()) + 1
    if (size <= TAIL_BYTES and len(lines) <= table.header) or columns != table.columns:
        raise FerPhqError(messages.CUT_OFF(path=str(path), columns=columns, expected=table.columns))


def _read_numbers(path: Path, table: NumberTable) -> tuple[TimeArray, FloatArray]:
    """Read the leading columns (rows, k), text as NaN, and the features (rows, width), infinite ones as NaN."""
    read_column_names(path, table)
    names = [f"f{i}" for i in range(table.columns)]
    leading_names = [name for name, column in zip(names, table.leading, strict=False) if column != "name"]
    feature_names = names[len(table.leading) :]
    types = {**dict.fromkeys(leading_names, pa.float64()), **dict.fromkeys(feature_names, pa.float32())}
    try:
        numbers = pa.csv.read_csv(
            path,
            read_options=pa.csv.ReadOptions(
                autogenerate_column_names=True, skip_rows=int(table.header), use_threads=False
            ),
            parse_options=pa.csv.ParseOptions(delimiter=table.delimiter),
            convert_options=pa.csv.ConvertOptions(
                column_types=types, include_columns=leading_names + feature_names, null_values=NOT_NUMBERS
            ),
        )
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0].removesuffix(".")
        raise FerPhqError(messages.FILE_UNREADABLE(path=str(path), reason=reason)) from None
    if not numbers.num_rows:
        raise FerPhqError(messages.NO_DATA(path=str(path)))
    leading = np.full((numbers.num_rows, len(table.leading)), np.nan)
    for i, name in enumerate(names[: len(table.leading)]):
        if name in leading_names:
            leading[:, i] = numbers[name].to_numpy()
    features = np.empty((numbers.num_rows, table.width), np.float32)
    for i, name in enumerate(feature_names):
        features[:, i] = numbers[name].to_numpy()
    features[np.isinf(features)] = np.nan
    return leading, features


def _load_clnf(folder: Path) -> FeatureSeries | None:
    """Load action units, gaze and pose side by side, of the frames that all three files hold."""
    paths = [table.path_in(folder) for table in CLNF]
    parts = [_read_numbers(path, table) for path, table in zip(paths, CLNF, strict=True)]
    for path, (leading, _) in zip(paths, parts, strict=True):
        if not (np.diff(leading[:, 0]) > 0).all():
            raise FerPhqError(messages.FRAMES_BACKWARDS(path=str(path)))
    frames = functools.reduce(np.intersect1d, [leading[:, 0] for leading, _ in parts])
    if not len(frames):
        raise FerPhqError(messages.NO_COMMON_FRAME(path=str(paths[0])))
    rows = [np.searchsorted(leading[:, 0], frames) for leading, _ in parts]
    leadings = [leading[indices] for (leading, _), indices in zip(parts, rows, strict=True)]
    values = np.concatenate([features[indices] for (_, features), indices in zip(parts, rows, strict=True)], axis=1)
    tracked = np.all([_is_tracked(leading) for leading in leadings], axis=0)
    names: list[str] = []
    for prefix, path, table in zip(("", "gaze_", "pose_"), paths, CLNF, strict=True):
        names += [prefix + name for name in read_column_names(path, table)]
    return _series(paths[0], leadings[0][tracked, 1], values[tracked], "daic-clnf-1", tuple(names))


def _load_covarep(path: Path) -> FeatureSeries | None:
    _, values = _read_numbers(path, VOICE)
    unvoiced = values[:, VOICED] == 0
    scrubbed = (values == 0).all(axis=1)
    values[np.ix_(unvoiced, VOICED_ONLY)] = np.nan
    values[scrubbed] = np.nan
    return _series(path, np.arange(len(values), dtype=np.float64) * COVAREP_STEP_S, values, "daic-covarep-1", COVAREP)


def _is_tracked(leading: TimeArray) -> npt.NDArray[np.bool_]:
    """Tell in which frames (frame, timestamp, confidence, success) the face was found with enough confidence."""
    return cast(npt.NDArray[np.bool_], (leading[:, 3] == 1) & (leading[:, 2] >= MIN_CONFIDENCE))


def _series(
    path: Path, time_s: TimeArray, values: FloatArray, kind: str, names: tuple[str, ...]
) -> FeatureSeries | None:
    """Take at most ten rows a second; None without any. Raises FerPhqError when the times do not run forward."""
    if not len(values):
        return None
    if not np.isfinite(time_s).all() or (np.diff(time_s) < 0).any():
        raise FerPhqError(messages.TIMES_BACKWARDS(path=str(path)))
    time_s, values = reduce_rows(time_s, values)
    return FeatureSeries(values, time_s, kind, names)


def reduce_rows(time_s: TimeArray, values: FloatArray, rate: float = ROWS_PER_SECOND) -> tuple[TimeArray, FloatArray]:
    """Reduce rows to at most `rate` a second by means.

    Args:
        time_s: (rows,) seconds, not falling.
        values: (rows, width), NaN where nothing was measured.
        rate: Bins a second. A bin without rows gives none.

    Returns:
        The mean time (bins,) and the mean of what is not NaN (bins, width); a column that is NaN all through a bin
        stays NaN.
    """
    bins = np.floor(time_s * rate + 1e-6)  # a timestamp printed as 0.1 belongs to the second tenth
    starts = np.flatnonzero(np.r_[True, np.diff(bins) > 0])
    measured = ~np.isnan(values)
    counts = np.add.reduceat(measured, starts, axis=0, dtype=np.float32)
    sums = np.add.reduceat(np.where(measured, values, np.float32(0)), starts, axis=0)
    with np.errstate(invalid="ignore"):
        means = (sums / counts).astype(np.float32)
    return np.add.reduceat(time_s, starts) / np.diff(np.r_[starts, len(time_s)]), means


def _session_features(folder: Path, face: FeatureSeries | None, voice: FeatureSeries | None) -> SessionFeatures:
    if face is None and voice is None:
        raise FerPhqError(messages.NOTHING_MEASURED(folder=str(folder)))
    return SessionFeatures(face=face, voice=voice)
