"""What the pages load: the store's records as tidy frames, cached where they cannot change.

An analysis is immutable, so its frames and pictures may be cached by its id; lists are read anew at every run.
`forget()` empties the caches after an erasure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image as Picture
from PIL import ImageDraw

from dashboard import context
from db.records import AnalysisRecord, AnalysisSummary, SessionRecord
from fer_phq.arrays import Image
from fer_phq.emotions import EMOTIONS
from fer_phq.errors import RecordingError
from fer_phq.video import read_frame
from service.explain import Explanation, explain_crop
from service.media import MediaStore

LOW_QUALITY = 0.35
"""A face crop below this quality (0 to 1) is marked on the coverage strip."""
CROP_MARGIN = 0.25
"""How much of the box's size is shown around a face crop."""


@dataclass(frozen=True)
class Moment:
    """One sampled frame: time in seconds; emotion probabilities, box in recording pixels and quality, None in a gap."""

    time_s: float
    emotions: dict[str, float] | None
    box: tuple[float, float, float, float] | None
    quality: float | None


@st.cache_data(show_spinner=False, max_entries=32)
def frames(analysis_id: str) -> pd.DataFrame:
    """The analysis's frame table with a column `state`: 'face', 'low' (quality) or 'gap'."""
    table = context.store().frame_table(analysis_id=analysis_id)
    seen = table["detection_score"].notna()
    table["state"] = np.where(~seen, "gap", np.where(table["quality"] < LOW_QUALITY, "low", "face"))
    return table


@st.cache_resource(show_spinner=False, max_entries=8)
def analysis(analysis_id: str) -> AnalysisRecord:
    """The analysis with its tracks and timing."""
    return context.store().load_analysis(analysis_id=analysis_id)


def moment_at(table: pd.DataFrame, time_s: float) -> Moment:
    """The sampled frame nearest to a time. `table` must hold at least one row."""
    row = table.iloc[int(np.abs(table["time_s"].to_numpy() - time_s).argmin())]
    if row["state"] == "gap":
        return Moment(float(row["time_s"]), None, None, None)
    box = (float(row["x0"]), float(row["y0"]), float(row["x1"]), float(row["y1"]))
    return Moment(float(row["time_s"]), {n: float(row[n]) for n in EMOTIONS}, box, float(row["quality"]))


def bars(values: dict[str, float], reference: dict[str, float] | None = None) -> pd.DataFrame:
    """Emotion probabilities as `charts.emotion_bars` wants them."""
    table = pd.DataFrame({"emotion": EMOTIONS, "value": [values[name] for name in EMOTIONS]})
    if reference is not None:
        table["reference"] = [reference[name] for name in EMOTIONS]
    return table


def media_path(session: SessionRecord) -> Path | None:
    """Where the session's recording lies; None when its file was removed."""
    if session.media_path is None:
        return None
    path = MediaStore(context.settings()).path_of(session.media_path)
    return path if path.is_file() else None


@st.cache_data(show_spinner=False, max_entries=24)
def pictures(
    path: str, time_s: float, box: tuple[float, float, float, float] | None, colour: str
) -> tuple[Image, Image | None]:
    """The recording's frame at a time with the face's box drawn in, and the face crop (None without a box).

    RecordingError when the frame cannot be read.
    """
    frame = read_frame(path, time_s)
    picture = Picture.fromarray(frame.rgb)
    if box is None:
        return frame.rgb, None
    x0, y0, x1, y1 = (value / frame.scale for value in box)
    margin = CROP_MARGIN * max(x1 - x0, y1 - y0)
    around = (
        max(x0 - margin, 0),
        max(y0 - margin, 0),
        min(x1 + margin, picture.width),
        min(y1 + margin, picture.height),
    )
    if around[2] - around[0] < 1 or around[3] - around[1] < 1:
        raise RecordingError(f"The face's box at {time_s:.1f} s lies outside the picture; analyse the recording again.")
    crop = picture.crop(tuple(round(value) for value in around))  # type: ignore[arg-type]
    width = max(2, round(max(picture.size) / 240))
    ImageDraw.Draw(picture).rectangle((x0, y0, x1, y1), outline=colour, width=width)
    return np.asarray(picture), np.asarray(crop.resize((256, max(1, round(256 * crop.height / crop.width)))))


@st.cache_data(show_spinner=False, max_entries=24)
def looked_at(analysis_id: str, path: str, time_s: float) -> Explanation:
    """What the analysis' own model looked at in the sampled frame nearest to a time, for its most probable emotion.

    The face is cut out as it was for the model, not with its surroundings as in `pictures`. RecordingError when the
    frame cannot be read or has no face, ModelError when the model is gone or cannot be explained.
    """
    from fer_phq.faces import align_crop  # brings the detector's runtime, which no other page needs

    record = analysis(analysis_id)
    line = record.timeline
    row = int(np.abs(line.time_s - time_s).argmin())
    if not line.has_face[row]:
        raise RecordingError(f"The subject's face was not found at {time_s:.1f} s, so there is nothing to look at.")
    frame = read_frame(path, float(line.time_s[row]))
    return explain_crop(
        align_crop(frame.rgb, line.landmarks[row] / frame.scale),
        record.summary.model_id,
        emotion=EMOTIONS[int(line.emotions[row].argmax())],
        configured=context.settings().model,
    )


def local_times(table: pd.DataFrame, column: str, zone: tzinfo) -> pd.DataFrame:
    """The table with a UTC column as wall times of a zone: charts draw times as they are given."""
    moments = pd.to_datetime(table[column], utc=True).dt.tz_convert(zone).dt.tz_localize(None)
    return table.assign(**{column: moments})


def json_document(analysis_id: str) -> str:
    """The analysis as the JSON document that `fer-phq analyze --json` prints."""
    document = context.store().load_session_analysis(analysis_id=analysis_id).to_dict()
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)


def analysis_label(summary: AnalysisSummary) -> str:
    """How an analysis is named where one of several is chosen."""
    rate = "key frames" if summary.sampling.key_frames else f"{summary.sampling.fps:g} frames/s"
    return f"{summary.model_id} · {rate}"


def forget() -> None:
    """Empty every cache, so that nothing of an erased session stays in memory."""
    frames.clear()
    analysis.clear()
    pictures.clear()
    looked_at.clear()
