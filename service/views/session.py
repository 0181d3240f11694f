"""The Session page: one view of a session's analysis, which the page, its PDF, HTML, CSV and JSON all read.

An analysis is immutable, so its part of the view may be cached by its id; notes and the transcript change and are read
anew with each view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import pandas as pd

from db.records import AnalysisRecord, AnalysisSummary, NoteRecord, SessionDetail, SessionRecord, TranscriptRecord
from db.store import Store
from fer_phq.core.analysis import Settings
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.core.phq import Modality
from fer_phq.core.speech.transcription import Transcription
from fer_phq.features.measures import BEHAVIOUR, BY_NAME, MEASURES, TURNS, Measure
from fer_phq.speakers.files.series import subject_of
from fer_phq.voice.kinds import EARLIER_KIND
from fer_phq.words import parse_transcript, subject_speaker
from service.jobs.sidecar import digest
from service.views.face.behaviour import BehaviourView
from service.views.review import (
    STATES,
    Window,
    drawn_frames,
    emotion_table,
    episode_table,
    frame_states,
    note_table,
    other_people,
    raw_values,
    recognised_table,
    smoothed,
    utterance_table,
    voice_table,
    within,
)
from service.views.speech.turns import TurnsView

Box = tuple[float, float, float, float]
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class FrameDetail:
    """One sampled frame.

    Attributes:
        time_s: Seconds from the recording's start.
        row: Its row in the timeline.
        emotions: Probability of each emotion, 0 to 1; None in a gap, as what follows.
        box: The face's box, in pixels of the analysed frame.
        landmarks: The face's five landmarks, in pixels of the analysed frame.
        quality: Of the face crop, 0 to 1.
    """

    time_s: float
    row: int
    emotions: dict[str, float] | None = None
    box: Box | None = None
    landmarks: Points | None = None
    quality: float | None = None


@dataclass(frozen=True, eq=False)
class AnalysisView:
    """What one model made of a session: the stored analysis and the tables that are read off it, each computed once.

    Attributes:
        record: The analysis with coverage, shares, estimate, warnings, timeline, tracks and timing.
        voice: The subject's voice; None without one.
        words: The subject's words; None without any.
        behaviour: The subject's facial behaviour; None where the face mesh was not followed.
        turns: Everybody's turns; None where they were not told.
        speaking: The turns as they are drawn and measured; None as well.
        transcription: The words as they were recognised; None where they were not, or may not be read.
    """

    record: AnalysisRecord
    voice: FeatureSeries | None
    words: FeatureSeries | None
    behaviour: BehaviourView | None = None
    turns: FeatureSeries | None = None
    speaking: TurnsView | None = None
    transcription: Transcription | None = None

    @property
    def summary(self) -> AnalysisSummary:
        """The analysis without its frames."""
        return self.record.summary

    @cached_property
    def frames(self) -> pd.DataFrame:
        """A row for each sampled frame, of `service.views.review.frame_states`."""
        return frame_states(self.record)

    @cached_property
    def episodes(self) -> pd.DataFrame:
        """Expression episodes, a row each, of `service.views.review.episode_table`."""
        return episode_table(self.frames)

    @cached_property
    def people(self) -> pd.DataFrame:
        """Those in view who are not the subject, a row each, of `service.views.review.other_people`."""
        return other_people(self.record)

    @property
    def has_earlier_voice(self) -> bool:
        """Whether an earlier version measured the voice, whose pitch is then left out."""
        return self.voice is not None and self.voice.kind == EARLIER_KIND

    @cached_property
    def recognised(self) -> pd.DataFrame:
        """Recognised words, a row a segment, of `service.views.review.recognised_table`."""
        return recognised_table(self.transcription, None if self.turns is None else subject_of(self.turns))

    @property
    def shares(self) -> pd.DataFrame | None:
        """The mean probability of each emotion, of `service.views.review.emotion_table`; None without a face."""
        emotions = self.summary.emotions
        return None if emotions is None else emotion_table(emotions)

    @property
    def first_face_s(self) -> float:
        """Seconds of the first frame with a face, else of the first frame. The analysis must hold a frame."""
        faces = self.frames.loc[self.frames["state"] != STATES[0], "time_s"]
        return float(faces.iloc[0] if len(faces) else self.frames["time_s"].iloc[0])

    def draw_frames(self, smoothing_s: float, window: Window) -> pd.DataFrame:
        """Bring the frames of a window together for drawing.

        Args:
            smoothing_s: Width of the smoothing in seconds; 0 for none.
            window: From when to when.

        Returns:
            The columns of `service.views.review.drawn_frames`.
        """
        return drawn_frames(smoothed(self.frames, smoothing_s), window)

    def draw_raw(self, window: Window) -> pd.DataFrame:
        """Return the values of a window before smoothing, of `service.views.review.raw_values`."""
        return raw_values(within(self.frames, window))

    def draw_voice(self, window: Window) -> pd.DataFrame:
        """Return the voice of a window for drawing, of `service.views.review.voice_table`."""
        return voice_table(self.voice, window)

    def frame_at(self, time_s: float) -> FrameDetail:
        """Find the sampled frame nearest to a time. The analysis must hold a frame.

        Args:
            time_s: Seconds from the recording's start.

        Returns:
            The frame.
        """
        timeline = self.record.timeline
        row = int(np.abs(timeline.time_s - time_s).argmin())
        if not timeline.has_face[row]:
            return FrameDetail(float(timeline.time_s[row]), row)
        x0, y0, x1, y1 = (float(value) for value in timeline.box[row])
        return FrameDetail(
            time_s=float(timeline.time_s[row]),
            row=row,
            emotions={name: float(value) for name, value in zip(EMOTIONS, timeline.emotions[row], strict=True)},
            box=(x0, y0, x1, y1),
            landmarks=tuple((float(x), float(y)) for x, y in timeline.landmarks[row]),
            quality=float(timeline.quality[row]),
        )


@dataclass(frozen=True, eq=False)
class TranscriptView:
    """A session's transcript as it is read.

    Attributes:
        record: The stored transcript.
        utterances: Rows of `service.views.review.utterance_table`; none where it cannot be read.
        subject: The subject's name in it; None where every voice counts.
        warnings: What is to be said of it.
        problem: Why it cannot be read; None where it can.
    """

    record: TranscriptRecord
    utterances: pd.DataFrame
    subject: str | None = None
    warnings: tuple[Message, ...] = ()
    problem: FerPhqError | None = None

    @property
    def digest(self) -> str:
        """The `AnalysisSummary.sidecar_digest` of an analysis that was made with it."""
        return digest(self.record)


@dataclass(frozen=True, eq=False)
class SessionView:
    """A session under review: everything that the page, its reports and its tables show.

    Attributes:
        detail: The session, its subject, all its analyses and its newest job.
        analysis: The analysis under review.
        compared: The analysis that is laid over it; None for none.
        notes: The session's notes.
        transcript: The session's transcript; None without one.
        stored_measures: The numbers that are stored of the analysis, by their names.
    """

    detail: SessionDetail
    analysis: AnalysisView
    compared: AnalysisView | None
    notes: tuple[NoteRecord, ...]
    transcript: TranscriptView | None
    stored_measures: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def measures(self) -> list[tuple[Measure, float]]:
        """The measures of the analysis under review with their values, in their order.

        Those of facial behaviour and of turn taking are of their series: one that an earlier version stored may be
        missing for a reason now.
        """
        values = {
            name: value
            for name, value in self.stored_measures.items()
            if name in BY_NAME and BY_NAME[name].modality not in (BEHAVIOUR, TURNS)
        }
        values |= {} if self.analysis.behaviour is None else self.analysis.behaviour.measures
        values |= {} if self.analysis.speaking is None else self.analysis.speaking.measures
        return [(measure, values[measure.name]) for measure in MEASURES if measure.name in values]

    @property
    def missing_measures(self) -> list[tuple[Measure, Message]]:
        """The measures of facial behaviour and of turn taking that could not be taken, with the reasons."""
        behaviour = self.analysis.behaviour
        speaking = self.analysis.speaking
        reasons = {} if behaviour is None else dict(behaviour.reasons)
        reasons |= {} if speaking is None else speaking.missing
        return [(measure, reasons[measure.name]) for measure in MEASURES if measure.name in reasons]

    @property
    def session(self) -> SessionRecord:
        """The session."""
        return self.detail.session

    @property
    def utterances(self) -> pd.DataFrame:
        """The transcript's utterances; no rows without a transcript that can be read."""
        return pd.DataFrame() if self.transcript is None else self.transcript.utterances

    @cached_property
    def timed_notes(self) -> pd.DataFrame:
        """The notes that have a time, a row each, of `service.views.review.note_table`."""
        return note_table(self.notes)

    @property
    def transcript_is_analysed(self) -> bool:
        """Whether the analysis under review was made with the session's transcript."""
        return self.transcript is not None and self.analysis.summary.sidecar_digest == self.transcript.digest

    @property
    def transcript_is_elsewhere(self) -> bool:
        """Whether any analysis of the session was made with its transcript."""
        digests = {analysis.sidecar_digest for analysis in self.detail.analyses}
        return self.transcript is not None and self.transcript.digest in digests


def load_analysis_view(store: Store, analysis_id: str) -> AnalysisView:
    """Load an analysis with its voice, words, facial behaviour, turns and recognised words.

    Args:
        store: The store.
        analysis_id: Id of the analysis.

    Returns:
        The view.

    Raises:
        NotFoundError: There is no such analysis.
    """
    record = store.analyses.load(analysis_id=analysis_id)
    series = store.features.load_series(analysis_id=analysis_id)
    behaviour = store.features.load_behaviour(analysis_id=analysis_id)
    recording_s = store.sessions.get(session_id=record.summary.session_id).duration_s
    floor = Settings.from_dict(record.summary.settings).coverage_floor
    view = None if behaviour is None or not len(behaviour) else BehaviourView(behaviour, recording_s, floor)
    turns = store.features.load_turns(analysis_id=analysis_id)
    transcription = store.transcriptions.load(analysis_id=analysis_id)
    choice = store.features.speaker_choice(analysis_id=analysis_id)
    speaking = None if turns is None else TurnsView(turns, choice, recording_s, transcription)
    channels = (series.get(Modality.VOICE), series.get(Modality.WORDS))
    return AnalysisView(record, *channels, view, turns, speaking, transcription)


def read_transcript_view(record: TranscriptRecord) -> TranscriptView:
    """Read a stored transcript; why it cannot be read is part of the view."""
    try:
        transcript = parse_transcript(record.document, record.original_name)
        subject, doubt = subject_speaker(transcript, record.speaker)
        utterances = utterance_table(transcript, record.speaker)
    except FerPhqError as error:
        return TranscriptView(record, pd.DataFrame(), problem=error)
    warnings = (*transcript.warnings, *([doubt] if doubt else []))
    return TranscriptView(record, utterances, subject, warnings)


def load_session_view(
    store: Store,
    detail: SessionDetail,
    analysis_id: str,
    compared_id: str | None = None,
    *,
    load_analysis: Callable[[str], AnalysisView] | None = None,
    read_transcript: Callable[[TranscriptRecord], TranscriptView] = read_transcript_view,
) -> SessionView:
    """Load the view of a session's analysis.

    Args:
        store: The store.
        detail: The session with its analyses.
        analysis_id: Id of the analysis under review.
        compared_id: Id of the analysis that is laid over it; None for none.
        load_analysis: Gives an analysis by its id, for instance from a cache; None for `load_analysis_view`.
        read_transcript: Reads a transcript, for instance from a cache.

    Returns:
        The view.

    Raises:
        NotFoundError: The session or the analysis is gone.
    """
    load = load_analysis or partial(load_analysis_view, store)
    session_id = detail.session.id
    record = store.transcripts.get(session_id=session_id)
    return SessionView(
        detail=detail,
        analysis=load(analysis_id),
        compared=None if compared_id is None else load(compared_id),
        notes=tuple(store.notes.list_by_session(session_id=session_id)),
        transcript=None if record is None else read_transcript(record),
        stored_measures=store.measures.get(analysis_id=analysis_id),
    )
