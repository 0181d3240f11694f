"""Series that OpenFace and py-feat wrote: columns, times, and rows in which no face was followed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer_phq.annotations.readers import read_series
from fer_phq.core.errors import FerPhqError

OPENFACE = pd.DataFrame(
    {
        "frame": [1, 2, 3, 4],
        " face_id": [0, 0, 0, 0],
        " timestamp": [0.0, 0.033, 0.067, 0.1],
        " confidence": [0.98, 0.6, 0.02, 0.98],
        " success": [1, 1, 0, 1],
        " gaze_angle_x": [0.1, 0.2, 0.0, 0.3],
        " pose_Tx": [12.5, 12.25, 0.0, 12.0],
        " x_0": [301.0, 302.0, 0.0, 303.0],
        " AU12_r": [1.5, 2.5, 0.0, 3.5],
        " AU12_c": [1.0, 1.0, 0.0, 1.0],
    }
)
"""With the blanks that OpenFace writes in its heading."""
PY_FEAT = pd.DataFrame(
    {
        "frame": [0, 30, 60],
        "FaceScore": [0.99, 0.3, np.nan],
        "AU12": [0.7, 0.9, np.nan],
        "happiness": [0.8, 0.1, np.nan],
        "Pitch": [-3.0, 0.0, np.nan],
        "approx_time": ["00:00", "00:01", "00:02"],
        "input": ["a.mp4"] * 3,
    }
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def test_openface(table: Path) -> None:
    OPENFACE.to_csv(table, index=False)
    file = read_series(table, duration_s=0.13)
    assert file.format == file.series.kind == "OpenFace"
    assert file.series.names == ("gaze_angle_x", "pose_Tx", "AU12_r", "AU12_c")
    assert file.series.time_s.tolist() == [0.0, 0.033, 0.067, 0.1]
    assert np.isnan(file.series.values[2]).all()
    assert file.series.values[[0, 1, 3], 2].tolist() == [1.5, 2.5, 3.5]
    assert [str(warning) for warning in file.warnings] == [
        "In 1 of 4 rows the face was not followed; they count as missing."
    ]
    assert np.isnan(read_series(table, min_confidence=0.7).series.values[1:3]).all()


def test_rows_without_the_confidence_that_is_asked_for_are_missing(table: Path) -> None:
    OPENFACE.assign(**{" confidence": [0.98, None, 0.98, 0.98]}).to_csv(table, index=False)
    assert np.isnan(read_series(table, min_confidence=0.7).series.values[1:3]).all()
    assert not np.isnan(read_series(table).series.values[1]).any()


@pytest.mark.parametrize("has_identity", [True, False])
def test_faces_that_nobody_names_are_not_joined(table: Path, has_identity: bool) -> None:
    rows = PY_FEAT.assign(Identity="Person_0") if has_identity else PY_FEAT
    pd.concat([rows, rows]).sort_values("frame").to_csv(table, index=False)
    with pytest.raises(FerPhqError, match=r"line 3 is a second row at 0\.000 s: it holds several faces"):
        read_series(table, frame_rate=30)


@pytest.mark.parametrize("frame_rate", [0.0, -25.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(table: Path, frame_rate: float) -> None:
    PY_FEAT.to_csv(table, index=False)
    with pytest.raises(FerPhqError, match="say how many frames a second"):
        read_series(table, frame_rate=frame_rate)


def test_py_feat(table: Path) -> None:
    PY_FEAT.to_csv(table, index=False)
    file = read_series(table, frame_rate=30)
    assert file.format == "py-feat"
    assert file.series.names == ("AU12", "happiness", "Pitch")
    assert file.series.time_s.tolist() == [0.0, 1.0, 2.0]
    assert np.isnan(file.series.values[1:]).all()
    assert file.series.values[0].tolist() == pytest.approx([0.7, 0.8, -3.0])
    with pytest.raises(FerPhqError, match="counts frames and has no times"):
        read_series(table)
    with pytest.raises(FerPhqError, match=r"line 3: at 10 frames a second its frame 30 is at 3.0 s, .* says 1 s"):
        read_series(table, frame_rate=10)


def test_several_faces_are_told_apart_or_refused(table: Path) -> None:
    other = OPENFACE.assign(**{" face_id": 1, " AU12_r": 0.25})
    pd.concat([OPENFACE, other]).to_csv(table, index=False)
    with pytest.raises(FerPhqError, match=r"several faces \(0 \(4\), 1 \(4\)\)"):
        read_series(table)
    assert read_series(table, face="1").series.values[0, 2] == 0.25
    with pytest.raises(FerPhqError, match="holds no face '7'"):
        read_series(table, face="7")


def test_a_series_beyond_or_short_of_the_recording(table: Path) -> None:
    OPENFACE.assign(**{" timestamp": [0.0, 10.0, 20.0, 30.0]}).to_csv(table, index=False)
    with pytest.raises(FerPhqError, match=r"the recording ends at 20\.000 s"):
        read_series(table, duration_s=20.0)
    assert "ends at 30.0 s and the recording at 60.0 s" in str(read_series(table, duration_s=60.0).warnings[-1])
    OPENFACE.assign(**{" timestamp": [0, 10_000, 20_000, 30_000]}).to_csv(table, index=False)
    with pytest.raises(FerPhqError, match="look like milliseconds"):
        read_series(table, duration_s=30.0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({" timestamp": [0.0, 0.2, 0.1, 0.3]}, "line 4: its time 0.100 s lies before"),
        ({" timestamp": [0.0, 0.0, 0.0, 0.0]}, "all its rows have the time"),
        ({" timestamp": [0.0, "", 0.2, 0.3]}, "line 3: '' in the column timestamp"),
        ({" timestamp": [-1.0, 0.1, 0.2, 0.3]}, "line 2: '-1.0' in the column timestamp"),
        ({" AU12_r": [1.0, "much", 0.0, 1.0]}, "line 3: 'much' in the column au12_r"),
        ({" AU12_r": [1.0, "0,5", 0.0, 1.0]}, "line 3: '0,5' in the column au12_r is no number; write it as 0.5"),
    ],
)
def test_wrong_numbers_are_refused(table: Path, changes: dict[str, list[object]], sentence: str) -> None:
    OPENFACE.assign(**changes).to_csv(table, index=False)
    with pytest.raises(FerPhqError) as error:
        read_series(table)
    assert sentence in str(error.value)


def test_tables_of_others_and_torn_ones_are_refused(table: Path) -> None:
    table.write_text("time,AU12\n0,1\n")
    with pytest.raises(FerPhqError, match="neither OpenFace"):
        read_series(table)
    OPENFACE.iloc[:, :5].to_csv(table, index=False)
    with pytest.raises(FerPhqError, match="no columns of movements"):
        read_series(table)
    OPENFACE.iloc[:0].to_csv(table, index=False)
    with pytest.raises(FerPhqError, match="no rows below"):
        read_series(table)
    OPENFACE.to_csv(table, index=False)
    table.write_text(table.read_text()[:-9])
    with pytest.raises(FerPhqError, match="has 8 cells, the heading has 10"):
        read_series(table)
    table.write_text("")
    with pytest.raises(FerPhqError, match="it is empty"):
        read_series(table)
