"""Analyses: written whole in one transaction, never changed, read back as they were."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from db import messages
from db.engine import ConflictError
from db.queries.analyses.faces import face_table_row, faces_of, tracks_of, write_faces
from db.queries.analyses.features import (
    behaviour_of,
    behaviour_row,
    channel_rows,
    channels_of,
    embedding_row,
    embeddings_of,
    turns_of,
    turns_row,
)
from db.queries.analyses.frames import frames_of, timeline_of, write_timeline
from db.queries.analyses.measures import write_measures
from db.queries.analyses.transcriptions import transcription_of, transcription_row
from db.queries.base import Queries, get_row, new_id, utc_now
from db.queries.mapping import analysis_summary, analysis_warnings
from db.records import AnalysisRecord, AnalysisSummary
from db.tables import (
    AnalysisRow,
    BehaviourRow,
    ChannelRow,
    EmbeddingRow,
    FaceChoiceRow,
    SessionRow,
    TranscriptionRow,
    TurnsRow,
)
from fer_phq.core.analysis import (
    AUTOMATIC,
    RecordingInfo,
    SessionAnalysis,
    Settings,
    Timeline,
    Timing,
)
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import StoreError
from fer_phq.core.messages import to_json, to_text
from fer_phq.core.phq import Modality, PhqEstimate, PhqResult

if TYPE_CHECKING:
    import pandas as pd

METHOD = 3
"""Raised when the same recording, model and settings give other numbers: an earlier analysis then stands for itself
alone, and analysing or scoring again adds one. 2: time is the unit of coverage, shares and features. 3: the
voice is of kind prosody-2."""

EARLIER_KINDS = ("prosody-1",)
"""Kinds of voices that an earlier method measured. What is scored or chosen anew of a stored analysis keeps its voice:
that does not stand for an analysis by this method."""


def settings_hash(settings: Settings, sidecar_digest: str = "", voice_kind: str = "") -> str:
    """Compute a digest (SHA-256, 64 hex digits) of everything that can change an analysis's result.

    Args:
        settings: The analysis's settings; `chunk_frames` is left out, since it changes no result, and so are a partner,
            of whom nothing is stored, a sound that was not chosen, a mesh that is not followed, turns that are not
            told, words that are not recognised, a speaker who was not chosen, and a search of each frame, which earlier
            analyses did.
        sidecar_digest: Digest of the files given beside the recording, as in `SessionAnalysis`. Empty for none.
        voice_kind: The kind of the analysis's voice; it counts where it is one of `EARLIER_KINDS`.
    """
    values = dataclasses.asdict(settings)
    del values["chunk_frames"]
    del values["partner"]
    values["method"] = METHOD
    if settings.follows_faces:
        values["faces"] = "followed"
    del values["search_each_frame"]
    if settings.sampling.key_frames:
        values["sampling"]["fps"] = None
    if settings.sound == AUTOMATIC:
        del values["sound"]
    if not settings.follows_mesh:
        del values["face_rate"]
    if not settings.speech:
        del values["speech"]
    if not settings.recognition:
        del values["recognition"]
    if not settings.subject_turns:
        del values["subject_turns"]
    if sidecar_digest:
        values["beside"] = sidecar_digest
    if voice_kind in EARLIER_KINDS:
        values["voice"] = voice_kind
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


class AnalysisQueries(Queries):
    """Saving and loading analyses."""

    def save(
        self,
        *,
        session_id: str,
        analysis: SessionAnalysis,
        settings: Settings | None = None,
        measures: Mapping[str, float] | None = None,
        choice_at: datetime | None = None,
    ) -> str:
        """Store an analysis of a session with its measures, all of it or nothing, and return its id.

        Saving the same session, model, settings and sidecar files again returns the id of the analysis that is there.
        Pictures of faces are stored as long as the session has its recording.

        Args:
            session_id: The session's UUID.
            analysis: The analysis, of this session's recording.
            settings: What it was made with; None for the defaults at the analysis's rates.
            measures: The numbers that sum up the analysis, by name; those that are not finite are not stored.
            choice_at: When a person chose the subject's faces that the settings name; None for the present.

        Returns:
            The analysis's UUID.

        Raises:
            NotFoundError: The session is not in the database.
            StoreError: The settings name another sampling, the analysis is of another recording, or its embeddings
                exceed float16.
        """
        face_rate = None if analysis.behaviour is None else analysis.behaviour.rate_hz
        used_settings = settings or Settings(
            sampling=analysis.sampling,
            face_rate=face_rate or 0.0,
            speech=analysis.turns is not None,
            recognition=analysis.transcription is not None,
        )
        if used_settings.sampling != analysis.sampling:
            raise StoreError(messages.OTHER_SAMPLING())
        voice_kind = "" if analysis.voice is None else analysis.voice.kind
        digest = settings_hash(used_settings, analysis.sidecar_digest, voice_kind)
        embeddings = embedding_row(analysis)
        channels = channel_rows(analysis)
        behaviour = behaviour_row(analysis)
        turns = turns_row(analysis)
        transcription = transcription_row(analysis)
        faces = face_table_row(analysis)
        try:
            with self._writing() as session:
                existing = _existing(session, session_id, analysis.model_id, digest)
                if existing is not None:
                    return existing.id
                # Locked, so that no picture is written while the recording is removed.
                parent = get_row(session, SessionRow, session_id, lock=True)
                if parent.media_sha256 != analysis.recording.sha256:
                    raise StoreError(messages.OTHER_RECORDING(session_id=session_id))
                analysis_id = new_id()
                session.add(_analysis_row(analysis_id, session_id, analysis, used_settings, digest))
                session.flush()
                write_timeline(session, analysis_id, analysis.timeline)
                session.execute(insert(EmbeddingRow), [{"analysis_id": analysis_id, **embeddings}])
                if channels:
                    session.execute(insert(ChannelRow), [{"analysis_id": analysis_id, **row} for row in channels])
                if behaviour is not None:
                    session.execute(insert(BehaviourRow), [{"analysis_id": analysis_id, **behaviour}])
                if turns is not None:
                    session.execute(insert(TurnsRow), [{"analysis_id": analysis_id, **turns}])
                if transcription is not None:
                    session.execute(insert(TranscriptionRow), [{"analysis_id": analysis_id, **transcription}])
                if faces is not None:
                    with_pictures = parent.media_path is not None
                    write_faces(session, analysis_id, analysis, faces, with_pictures=with_pictures)
                if used_settings.tracks:
                    session.add(FaceChoiceRow(analysis_id=analysis_id, at=choice_at or utc_now()))
                write_measures(session, analysis_id, measures or {})
                self._audit(session, "save", "analysis", analysis_id, f"session {session_id}, {analysis.model_id}")
            return analysis_id
        except ConflictError:
            # Another worker saved the same analysis, or the session was erased, between our look and our write.
            self._still_there(session_id)
            existing_twin = self.find(
                session_id=session_id,
                model_id=analysis.model_id,
                settings=used_settings,
                sidecar_digest=analysis.sidecar_digest,
            )
            if existing_twin is None:
                raise
            return existing_twin.id

    def _still_there(self, session_id: str) -> None:
        with self._reading() as session:
            get_row(session, SessionRow, session_id)

    def find(
        self, *, session_id: str, model_id: str, settings: Settings, sidecar_digest: str = ""
    ) -> AnalysisSummary | None:
        """Find the analysis of a session by a model with these settings, so that it need not be computed again.

        Args:
            session_id: The session's UUID.
            model_id: The model's id.
            settings: The analysis's settings.
            sidecar_digest: Digest of the files given beside the recording, as in `SessionAnalysis`; empty for none.

        Returns:
            The analysis without its frames; None where there is none.
        """
        with self._reading() as session:
            row = _existing(session, session_id, model_id, settings_hash(settings, sidecar_digest))
            return None if row is None else analysis_summary(row)

    def get(self, *, analysis_id: str) -> AnalysisSummary:
        """Load an analysis without its frames.

        Raises:
            NotFoundError: There is no such analysis.
        """
        with self._reading() as session:
            return analysis_summary(get_row(session, AnalysisRow, analysis_id))

    def load(self, *, analysis_id: str) -> AnalysisRecord:
        """Load an analysis with its whole timeline, gaps included.

        Raises:
            NotFoundError: There is no such analysis.
        """
        with self._reading() as session:
            row = get_row(session, AnalysisRow, analysis_id)
            return AnalysisRecord(
                summary=analysis_summary(row),
                timeline=timeline_of(session, row),
                tracks=tracks_of(row),
                timing=Timing(**row.timing),
            )

    def load_session_analysis(self, *, analysis_id: str) -> SessionAnalysis:
        """Load an analysis as it was saved, except that its embeddings were rounded to float16.

        The recording's path is the one that the session has now.

        Raises:
            NotFoundError: There is no such analysis.
        """
        with self._reading() as session:
            row = get_row(session, AnalysisRow, analysis_id)
            parent = get_row(session, SessionRow, row.session_id)
            summary = analysis_summary(row)
            timeline = timeline_of(session, row)
            embeddings = embeddings_of(session, analysis_id)
            channels = channels_of(session, analysis_id)
            turns, speaker_choice = turns_of(session, analysis_id)
            return SessionAnalysis(
                recording=_recording(parent),
                model_id=row.model_id,
                sampling=summary.sampling,
                timeline=timeline,
                embeddings=embeddings.embeddings,
                phq=summary.phq,
                tracks=tracks_of(row),
                warnings=analysis_warnings(row),
                timing=Timing(**row.timing),
                face_kind=embeddings.kind,
                voice=channels.get(Modality.VOICE),
                words=channels.get(Modality.WORDS),
                behaviour=behaviour_of(session, analysis_id),
                turns=turns,
                speaker_choice=speaker_choice,
                transcription=transcription_of(session, analysis_id),
                sidecar_digest=row.beside,
                faces=faces_of(session, row, timeline, embeddings),
            )

    def frames(self, *, analysis_id: str, rows: range | None = None) -> pd.DataFrame:
        """Load an analysis's sampled frames, a row each.

        Columns: idx, time_s and duration_s (seconds), the seven emotions, x0, y0, x1, y1, detection_score, quality.
        Frames without the subject's face are there, with NaN.

        Args:
            analysis_id: The analysis's UUID.
            rows: Which of its frames, counted from 0, in steps of 1; None for all.

        Raises:
            NotFoundError: There is no such analysis.
        """
        with self._reading() as session:
            return frames_of(session, get_row(session, AnalysisRow, analysis_id), rows)


def _existing(session: Session, session_id: str, model_id: str, digest: str) -> AnalysisRow | None:
    return session.scalar(
        select(AnalysisRow).where(
            AnalysisRow.session_id == session_id,
            AnalysisRow.model_id == model_id,
            AnalysisRow.settings_hash == digest,
        )
    )


def _analysis_row(
    analysis_id: str, session_id: str, analysis: SessionAnalysis, settings: Settings, digest: str
) -> AnalysisRow:
    mean = analysis.emotion_distribution
    return AnalysisRow(
        id=analysis_id,
        session_id=session_id,
        model_id=analysis.model_id,
        settings=dataclasses.asdict(settings),
        settings_hash=digest,
        beside=analysis.sidecar_digest,
        fps=None if analysis.sampling.key_frames else analysis.sampling.fps,
        key_frames=analysis.sampling.key_frames,
        coverage=analysis.coverage,
        end_s=_picture_end(analysis.timeline),
        frames_sampled=len(analysis.timeline),
        frames_with_face=len(analysis.face_time_s),
        **({} if mean is None else dict(zip(EMOTIONS, mean.tolist(), strict=True))),
        dominant_emotion=analysis.dominant_emotion,
        **_phq_columns(analysis.phq),
        warnings=[to_json(warning) for warning in analysis.warnings],
        tracks=[dataclasses.asdict(track) for track in analysis.tracks],
        timing=dataclasses.asdict(analysis.timing),
        created_at=utc_now(),
    )


def _picture_end(timeline: Timeline) -> float | None:
    """Return when the last frame ends, in seconds; None without frames."""
    return float(timeline.time_s[-1] + timeline.duration_s[-1]) if len(timeline) else None


def _phq_columns(phq: PhqResult) -> dict[str, Any]:
    if isinstance(phq, PhqEstimate):
        return {
            "phq_score": phq.score,
            "phq_low": phq.low,
            "phq_high": phq.high,
            "phq_level": phq.level,
            "phq_scale": str(phq.scale),
            "phq_provenance": str(phq.provenance),
            "phq_model_id": phq.model_id,
            "phq_modalities": "+".join(phq.modalities),
            "phq_detail": "",
        }
    return {"phq_unavailable": str(phq.reason), "phq_detail": "" if phq.detail is None else to_text(phq.detail)}


def _recording(row: SessionRow) -> RecordingInfo:
    return RecordingInfo(
        path=row.media_path or row.original_name,
        sha256=row.media_sha256,
        duration_s=row.duration_s,
        width=row.width,
        height=row.height,
        codec=row.codec,
        rotation=row.rotation,
        has_audio=row.has_audio,
    )
