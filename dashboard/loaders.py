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
from dashboard.i18n import _
from dashboard.i18n.numbers import decimal, short
from db.records import AnalysisRecord, AnalysisSummary, SessionRecord
from fer_phq.core.analysis import Sampling
from fer_phq.core.arrays import Image
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import RecordingError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.phq import Modality
from fer_phq.video import read_frame
from fer_phq.words import parse_transcript
from service.ingest.media import MediaStore
from service.views.explain import Explanation, explain_crop
from service.views.review import (
    Window,
    drawn_frames,
    episode_table,
    frame_states,
    raw_values,
    smoothed,
    utterance_table,
    within,
)

CROP_MARGIN = 0.25
"""How much of the box's size is shown around a face crop."""


Box = tuple[float, float, float, float]
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class FrameDetail:
    """One sampled frame: time in seconds; None in a gap: emotion probabilities, box and the five landmarks in pixels of
    the recording, quality."""

    time_s: float
    emotions: dict[str, float] | None = None
    box: Box | None = None
    landmarks: Points | None = None
    quality: float | None = None


@st.cache_data(show_spinner=False, max_entries=32)
def frames(analysis_id: str) -> pd.DataFrame:
    """The analysis's frames, from when to when each stands, and its `state`: 'face', 'low' (quality) or 'gap'."""
    return frame_states(analysis(analysis_id))


@st.cache_resource(show_spinner=False, max_entries=8)
def analysis(analysis_id: str) -> AnalysisRecord:
    """The analysis with its tracks and timing."""
    return context.store().analyses.load(analysis_id=analysis_id)


@st.cache_resource(show_spinner=False, max_entries=8)
def voice(analysis_id: str) -> FeatureSeries | None:
    """The voice of an analysis, or None."""
    return context.store().features.load_series(analysis_id=analysis_id).get(Modality.VOICE)


@st.cache_data(show_spinner=False, max_entries=32)
def frames_within(analysis_id: str, smoothing_s: float, window: Window) -> pd.DataFrame:
    """The frames within a window, for drawing (see `service.views.review.drawn_frames`)."""
    return drawn_frames(smoothed(frames(analysis_id), smoothing_s), window)


@st.cache_data(show_spinner=False, max_entries=8)
def raw(analysis_id: str, window: Window) -> pd.DataFrame:
    """The unsmoothed values within a window, for drawing (see `service.views.review.raw_values`)."""
    return raw_values(within(frames(analysis_id), window))


@st.cache_data(show_spinner=False, max_entries=8)
def episodes(analysis_id: str) -> pd.DataFrame:
    """The expression episodes of an analysis (see `service.views.review.episode_table`)."""
    return episode_table(frames(analysis_id))


@st.cache_data(show_spinner=False, max_entries=8)
def transcript(session_id: str, sha256: str) -> pd.DataFrame:
    """The utterances of a session's transcript, which is the one with this digest. FerPhqError when it cannot be read.

    The speaker is part of what is read: `sha256` must be of both (see `service.jobs.sidecar.digest`).
    """
    record = context.store().transcripts.get(session_id=session_id)
    if record is None:
        return pd.DataFrame()
    return utterance_table(parse_transcript(record.document, record.original_name), record.speaker)


def frame_at(analysis_id: str, time_s: float) -> FrameDetail:
    """The sampled frame nearest to a time. The analysis must hold at least one."""
    line = analysis(analysis_id).timeline
    row = int(np.abs(line.time_s - time_s).argmin())
    if not line.has_face[row]:
        return FrameDetail(float(line.time_s[row]))
    x0, y0, x1, y1 = (float(value) for value in line.box[row])
    return FrameDetail(
        time_s=float(line.time_s[row]),
        emotions={name: float(value) for name, value in zip(EMOTIONS, line.emotions[row], strict=True)},
        box=(x0, y0, x1, y1),
        landmarks=tuple((float(x), float(y)) for x, y in line.landmarks[row]),
        quality=float(line.quality[row]),
    )


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
    path: str, time_s: float, box: Box | None, landmarks: Points | None, colour: str
) -> tuple[Image, Image | None]:
    """The recording's frame at a time with the face's box and landmarks drawn in, and the face crop (None without a
    box).

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
        words = _("The face's box at {time} s lies outside the picture; analyse the recording again.")
        raise RecordingError(words.format(time=decimal(time_s)))
    crop = picture.crop(tuple(round(value) for value in around))  # type: ignore[arg-type]
    width = max(2, round(max(picture.size) / 240))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((x0, y0, x1, y1), outline=colour, width=width)
    for x, y in landmarks or ():
        draw.circle((x / frame.scale, y / frame.scale), 1.6 * width, fill=colour, outline="black")
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
        words = _("The subject's face was not found at {time} s, so there is nothing to look at.")
        raise RecordingError(words.format(time=decimal(time_s)))
    frame = read_frame(path, float(line.time_s[row]))
    return explain_crop(
        align_crop(frame.rgb, line.landmarks[row] / frame.scale),
        record.summary.model_id,
        emotion=EMOTIONS[int(line.emotions[row].argmax())],
        configured=context.settings().model,
    )


def local_times(table: pd.DataFrame, column: str, zone: tzinfo) -> pd.DataFrame:
    """The table with a UTC column as wall times of a zone: charts draw times as they are given."""
    instants = pd.to_datetime(table[column], utc=True).dt.tz_convert(zone).dt.tz_localize(None)
    return table.assign(**{column: instants})


def json_document(analysis_id: str) -> str:
    """The analysis as the JSON document that `fer-phq analyze --json` prints."""
    document = context.store().analyses.load_session_analysis(analysis_id=analysis_id).to_dict()
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)


def analysis_label(summary: AnalysisSummary) -> str:
    """How an analysis is named where one of several is chosen."""
    parts = [summary.model_id, sampling_words(summary.sampling)]
    return " · ".join([*parts, _("with transcript")] if summary.sidecar_digest else parts)


def sampling_words(sampling: Sampling) -> str:
    """How many frames a second were analysed, or that it was the key frames."""
    return _("key frames") if sampling.key_frames else _("{rate} frames/s").format(rate=short(sampling.fps))


def forget() -> None:
    """Empty every cache, so that nothing of an erased session stays in memory."""
    for cached in (frames, analysis, voice, frames_within, raw, episodes, transcript, pictures, looked_at):
        cached.clear()
