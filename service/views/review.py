"""What the review of a session draws and lists, as tidy tables: computed here, from records, once.

Times are seconds from the recording's start. A table of frames is one as `frame_states` gives it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from db.records import AnalysisRecord, AnalysisSummary, NoteRecord
from fer_phq.core.analysis import TrackSummary
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.speech.transcription import Transcription
from fer_phq.speakers.turn import speaker_number
from fer_phq.timeline.downsample import MAX_ROWS, bin_minimum, downsample
from fer_phq.timeline.episodes import find_episodes
from fer_phq.timeline.smoothing import smooth
from fer_phq.voice.kinds import COLUMNS, KIND, SPEECH, without_earlier_pitch
from fer_phq.words import Transcript, subject_speaker

Float = npt.NDArray[np.float64]
LOW_QUALITY = 0.35
"""A face crop below this quality (0 to 1) is marked on the coverage strip."""
STATES = ("gap", "low", "face")
"""From worst to best: no face found, a face of low quality, a face."""
WIDTHS_S = (0.0, 1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
"""Widths of the smoothing in seconds; 0 is none."""
READABLE = 120
"""Widths in a length that is drawn, at which its lines can be told apart at a glance."""
LEAST_WIDTH_S = 2.0
"""What is so short that less would do is drawn as it was measured."""
LOWEST_PITCH_HZ = 27.5
"""Where the semitones of a voice are counted from."""


@dataclass(frozen=True)
class Window:
    """A stretch of the recording that is drawn."""

    from_s: float
    to_s: float


def default_analysis(analyses: Sequence[AnalysisSummary], active_id: str | None) -> AnalysisSummary | None:
    """Choose the analysis that stands for a session: the newest by the active model, else the newest of all.

    Args:
        analyses: The session's analyses, newest first.
        active_id: The active model's id; None when it is not known.

    Returns:
        The analysis; None without any.
    """
    return next(
        (analysis for analysis in analyses if analysis.model_id == active_id), analyses[0] if analyses else None
    )


def frame_states(record: AnalysisRecord) -> pd.DataFrame:
    """Return a row for each sampled frame.

    Args:
        record: An analysis with its timeline.

    Returns:
        The columns of `Timeline.to_frame`, `from_s` and `to_s` (when a frame was on display, in seconds) and
        `state` (of `STATES`).
    """
    timeline = record.timeline
    table = timeline.to_frame()
    low = timeline.quality < LOW_QUALITY
    table["from_s"] = timeline.time_s
    table["to_s"] = timeline.time_s + timeline.duration_s
    table["state"] = np.where(~timeline.has_face, STATES[0], np.where(low, STATES[1], STATES[2]))
    return table


def automatic_width(window: Window) -> float:
    """Choose how far emotions are smoothed so that a stretch can be read at once; 0 seconds where frames can.

    Args:
        window: What is drawn.
    """
    fitting = [width for width in WIDTHS_S if width <= (window.to_s - window.from_s) / READABLE]
    return fitting[-1] if fitting[-1] >= LEAST_WIDTH_S else 0.0


def smoothed(table: pd.DataFrame, width_s: float) -> pd.DataFrame:
    """Return the frames with their emotions smoothed; gaps stay gaps.

    Args:
        table: Rows of `frame_states`.
        width_s: Width of the smoothing in seconds; 0 for none.
    """
    if not width_s:
        return table
    emotions = smooth(
        table["time_s"].to_numpy(dtype=float),
        table[list(EMOTIONS)].to_numpy(dtype=float),
        width_s,
        duration_s=table["duration_s"].to_numpy(dtype=float),
    )
    return table.assign(**dict(zip(EMOTIONS, emotions.T, strict=True)))


def drawn_frames(table: pd.DataFrame, window: Window | None = None, most: int = MAX_ROWS) -> pd.DataFrame:
    """Return the frames of a window for drawing, joined into bins when there are many. Gaps stay as wide as they are.

    Columns: time_s, from_s, to_s, the emotions (a bin's mean over time), state (the worst in the bin), quality (the
    lowest), frames (how many).

    Args:
        table: Rows of `frame_states`.
        window: From when to when; None for the whole recording.
        most: The most rows.
    """
    if window is not None:  # what is on display as the window ends is in it, not what comes on display then
        table = table[(table["to_s"] > window.from_s) & (table["from_s"] < window.to_s)]
    has_face = (table["state"] != STATES[0]).to_numpy(dtype=bool)
    values = table[list(EMOTIONS)].to_numpy(dtype=float)
    edges = np.append(table["from_s"], table["to_s"].iloc[-1:])
    thinned = downsample(
        table["time_s"].to_numpy(dtype=float), values, is_measured=has_face, max_rows=most, edges_s=edges
    )
    bins = pd.DataFrame({"time_s": thinned.time_s, "from_s": thinned.from_s, "to_s": thinned.to_s})
    bins[list(EMOTIONS)] = thinned.mean
    order = np.array([STATES.index(state) for state in table["state"]], np.float64)
    bins["state"] = np.array(STATES, dtype=object)[bin_minimum(order, thinned).astype(int)]
    bins["quality"] = bin_minimum(table["quality"].to_numpy(dtype=float), thinned)
    bins["frames"] = thinned.count
    return bins


def raw_values(table: pd.DataFrame, most: int = MAX_ROWS) -> pd.DataFrame:
    """Return the values before smoothing: time_s, emotion, and the low and high of the frames that a row stands for.

    Args:
        table: Rows of `frame_states`.
        most: The most rows for each emotion.
    """
    thinned = downsample(
        table["time_s"].to_numpy(dtype=float), table[list(EMOTIONS)].to_numpy(dtype=float), max_rows=most
    )
    measured = np.isfinite(thinned.low[:, 0]) if len(thinned) else np.zeros(0, bool)
    return pd.DataFrame(
        {
            "time_s": np.tile(thinned.time_s[measured], len(EMOTIONS)),
            "emotion": np.repeat(EMOTIONS, int(measured.sum())),
            "low": thinned.low[measured].T.ravel(),
            "high": thinned.high[measured].T.ravel(),
        }
    )


def episode_table(table: pd.DataFrame) -> pd.DataFrame:
    """Find episodes, by onset: emotion, onset_s, peak_s, offset_s, dwell_s, peak (0 to 1), cut (by a gap)."""
    episodes = find_episodes(
        table["time_s"].to_numpy(dtype=float),
        table[list(EMOTIONS)].to_numpy(dtype=float),
        duration_s=table["duration_s"].to_numpy(dtype=float),
    )
    columns = ("emotion", "onset_s", "peak_s", "offset_s", "dwell_s", "peak", "cut")
    return pd.DataFrame({name: [getattr(episode, name) for episode in episodes] for name in columns})


def emotion_table(values: Mapping[str, float], reference: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Return a row for each emotion, in their order.

    Args:
        values: Probability of each emotion, 0 to 1.
        reference: The same of another analysis; None for none.

    Returns:
        emotion, value and, where there is a reference, reference.
    """
    table = pd.DataFrame({"emotion": EMOTIONS, "value": [values[name] for name in EMOTIONS]})
    if reference is not None:
        table["reference"] = [reference[name] for name in EMOTIONS]
    return table


def other_people(record: AnalysisRecord) -> pd.DataFrame:
    """Return those in view who are not the subject: person, track, first_s, last_s, frames.

    Where an earlier version made the analysis, every track counts as a person.
    """
    tracks = [track for track in record.tracks if not track.is_subject]
    return pd.DataFrame(
        {
            "person": [person_number(track) for track in tracks],
            "track": [track.track for track in tracks],
            "first_s": [track.first_s for track in tracks],
            "last_s": [track.last_s for track in tracks],
            "frames": [track.frames for track in tracks],
        }
    )


def person_number(track: TrackSummary) -> int:
    """Return the number of a track's person, from 1; the track's own where an earlier version made the analysis."""
    return track.track if track.person is None else track.person + 1


def voice_table(voice: FeatureSeries | None, window: Window, most: int = MAX_ROWS) -> pd.DataFrame:
    """Return the voice within a window for drawing.

    Args:
        voice: The subject's voice; None for none.
        window: From when to when.
        most: The most rows.

    Returns:
        time_s, speech (share of the time, 0 to 1), and of loudness_db and pitch_hz the mean with the `..._low` and
        `..._high` of each row's tenths of a second. NaN where nothing was measured; pitch is only that of speech, and
        not that of an earlier version. No rows for a voice of another kind than ours.
    """
    voice = None if voice is None else without_earlier_pitch(voice)
    if voice is None or voice.kind != KIND or voice.time_s is None:
        return pd.DataFrame()
    inside = (voice.time_s >= window.from_s) & (voice.time_s <= window.to_s)
    rows = voice.values[inside].astype(np.float64)
    probability = rows[:, COLUMNS.index("speech_probability")]
    loudness = rows[:, COLUMNS.index("loudness_db")]
    speaking = np.where(np.isfinite(probability), probability >= SPEECH, np.nan)
    pitch = np.where(speaking == 1, hertz(rows[:, COLUMNS.index("f0_semitones")]), np.nan)
    values = np.column_stack([speaking, loudness, pitch])
    thinned = downsample(voice.time_s[inside], values, max_rows=most)
    return pd.DataFrame(
        {
            "time_s": thinned.time_s,
            "speech": thinned.mean[:, 0],
            **{
                f"{name}{ending}": part[:, column]
                for column, name in ((1, "loudness_db"), (2, "pitch_hz"))
                for ending, part in (("", thinned.mean), ("_low", thinned.low), ("_high", thinned.high))
            },
        }
    )


def hertz(semitones: Float) -> Float:
    """Convert semitones above 27.5 Hz to Hz."""
    return np.asarray(LOWEST_PITCH_HZ * 2 ** (semitones / 12))


def utterance_table(transcript: Transcript, speaker: str | None) -> pd.DataFrame:
    """Return a transcript's utterances: start_s, end_s, speaker (empty where none is named), text, is_subject.

    Args:
        transcript: The transcript.
        speaker: The name that a person gave as the subject's; None leaves it to `subject_speaker`.

    Raises:
        FerPhqError: The transcript does not have that speaker.
    """
    subject, _ = subject_speaker(transcript, speaker)
    subject_name = None if subject is None else subject.casefold()
    spelled = {name.casefold(): name for name in transcript.speakers}
    rows = transcript.utterances
    return pd.DataFrame(
        {
            "start_s": [row.start_s for row in rows],
            "end_s": [row.end_s for row in rows],
            "speaker": [spelled[row.speaker.casefold()] if row.speaker is not None else "" for row in rows],
            "text": [row.text for row in rows],
            "is_subject": [
                subject_name is None or (row.speaker is not None and row.speaker.casefold() == subject_name)
                for row in rows
            ],
        }
    )


def recognised_table(transcription: Transcription | None, subject: int | None) -> pd.DataFrame:
    """Return recognised words: start_s, end_s, speaker (a number, or None), text, is_subject, is_uncertain.

    Args:
        transcription: The words; None for none.
        subject: The subject's speaker; None where it is not known, and then nobody's words are the subject's.
    """
    segments = () if transcription is None else transcription.segments
    speakers = [speaker_number(segment.speaker) for segment in segments]
    return pd.DataFrame(
        {
            "start_s": [segment.start_s for segment in segments],
            "end_s": [segment.end_s for segment in segments],
            "speaker": pd.Series(speakers, dtype=object),
            "text": [" ".join(segment.text.split()) for segment in segments],
            "is_subject": [subject is not None and speaker == subject for speaker in speakers],
            "is_uncertain": [segment.is_uncertain for segment in segments],
        }
    )


def note_table(notes: Sequence[NoteRecord]) -> pd.DataFrame:
    """Return the notes that have a moment: time_s and words, which begin with the tag."""
    timed = [note for note in notes if note.time_s is not None]
    return pd.DataFrame({"time_s": [note.time_s for note in timed], "words": [note_words(note) for note in timed]})


def note_words(note: NoteRecord) -> str:
    """Write a note in one piece: its tag, if it has one, before its words."""
    return ": ".join(part for part in (note.tag, note.words) if part)


def within(table: pd.DataFrame, window: Window, start: str = "time_s", end: str = "time_s") -> pd.DataFrame:
    """Return the rows that touch a window.

    Args:
        table: The rows.
        window: From when to when.
        start: The column that says when a row begins, in seconds.
        end: The column that says when it ends.
    """
    if not len(table):
        return table
    return table[(table[end] >= window.from_s) & (table[start] <= window.to_s)]


def window_at(table: pd.DataFrame, time_s: float, length_s: float | None) -> Window:
    """Return the page of the recording in which a time lies.

    Pages follow one another from the first frame on, so that a window stays where it is while a moment in it is chosen.

    Args:
        table: Rows of `frame_states`.
        time_s: Seconds from the recording's start.
        length_s: The length of a page in seconds; None for the whole recording.
    """
    if not len(table):
        return Window(0.0, 1.0)
    first = float(table["from_s"].iloc[0])
    last = float(table["to_s"].iloc[-1])
    if length_s is None or last - first <= length_s:
        return Window(first, last)
    begin = first + max((time_s - first) // length_s, 0) * length_s
    return Window(begin, begin + length_s)
