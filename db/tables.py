"""The schema.

Subject -> session -> analyses -> frames (or timelines), embeddings, channels, behaviours, turns, transcriptions, faces
with their pictures, measures; session -> notes, transcript; subject -> questionnaires, tags, events; and what the
installation keeps of itself: jobs, workers, settings, audit.

A change here needs a migration in `db/migrations/versions`; a test compares the two on SQLite and PostgreSQL.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from itertools import combinations
from typing import Any

from sqlalchemy import (
    JSON,
    REAL,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column
from sqlalchemy.types import TypeDecorator

from db.actors import Role
from db.encryption.columns import EncryptedBytes, EncryptedText, length_check
from db.pseudonyms import current_pseudonyms
from db.records import JobState, QuestionnaireSource
from fer_phq.core.analysis import BOX_COLUMNS
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import Modality, Provenance, Scale, UnavailableReason


class UtcDateTime(TypeDecorator[datetime]):
    """Timezone-aware datetimes on every database, kept and returned in UTC; a naive one raises ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return a moment as the database keeps it.

        Args:
            value: The moment, timezone-aware; None stays None.
            dialect: The database; SQLite keeps moments in UTC without their time zone.

        Raises:
            ValueError: The moment has no time zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"The date and time {value.isoformat()} has no time zone: give one.")
        value = value.astimezone(UTC)
        # SQLite has no time zones: it keeps naive UTC, which also sorts as text.
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return a moment of the database in UTC.

        Args:
            value: The moment as the database keeps it; None stays None.
            dialect: The database, unused.
        """
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SubjectLabel(TypeDecorator[str]):
    """A subject's label, which a transaction for somebody who may not see names reads and writes as a pseudonym."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the label that a pseudonym stands for, where pseudonyms are shown.

        Args:
            value: A label, or a pseudonym.
            dialect: The database, unused.
        """
        pseudonyms = current_pseudonyms()
        return value if pseudonyms is None or value is None else pseudonyms.label(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the pseudonym of a label, where pseudonyms are shown.

        Args:
            value: The label.
            dialect: The database, unused.
        """
        pseudonyms = current_pseudonyms()
        return value if pseudonyms is None or value is None else pseudonyms.pseudonym(value)


class PersonalText(TypeDecorator[str]):
    """A text that may name a person, such as a file's name, hidden from somebody who may not see names."""

    impl = String
    cache_ok = True

    def __init__(self, hidden: str | None = "") -> None:
        """Take what is read in place of the text by somebody who may not see names."""
        super().__init__()
        self.hidden = hidden

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the text, or what stands for it where pseudonyms are shown.

        Args:
            value: The text.
            dialect: The database, unused.
        """
        return value if current_pseudonyms() is None or value is None else self.hidden


class Base(DeclarativeBase):
    """Base of the tables, with one naming rule for constraints so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a plain class attribute
        datetime: UtcDateTime,
        str: String,
        float: Double,
        bytes: LargeBinary,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


def _one_of(column: str, values: type[StrEnum] | tuple[str, ...], name: str | None = None) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name or column)


def _all_null(columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{column} IS NULL" for column in columns)


def _all_set(columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{column} IS NOT NULL" for column in columns)


def _all_or_none(columns: tuple[str, ...], name: str) -> CheckConstraint:
    return CheckConstraint(f"({_all_null(columns)}) OR ({_all_set(columns)})", name=name)


class SubjectRow(Base):
    """A person under a label, and under a pseudonym for those who may not see the label."""

    __tablename__ = "subjects"
    __table_args__ = (CheckConstraint("trim(label) <> '' AND length(label) <= 200", name="label"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(SubjectLabel, unique=True)
    is_demo: Mapped[bool]
    created_at: Mapped[datetime]
    pseudonym: Mapped[str | None] = mapped_column(unique=True)


_NO_CONSENT = text("consent_at IS NULL")


class SessionRow(Base):
    """One recording of one subject; the same recording is kept once a subject."""

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("subject_id", "media_sha256"),
        CheckConstraint("length(media_sha256) = 64", name="media_sha256"),
        CheckConstraint("duration_s >= 0", name="duration_s"),
        CheckConstraint("width >= 0 AND height >= 0", name="size"),
        CheckConstraint("rotation IN (0, 90, 180, 270)", name="rotation"),
        _all_or_none(("consent_at", "consent_by", "consent_text_version"), name="consent"),
        Index(None, "subject_id", "recorded_at"),
        Index(None, "recorded_at"),
        Index(None, "media_path"),
        Index(None, "media_sha256"),
        Index(None, "retain_until"),
        # What needs attention is looked for at every opening of the first page, and is seldom there.
        Index("ix_sessions_no_consent", "recorded_at", sqlite_where=_NO_CONSENT, postgresql_where=_NO_CONSENT),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[str] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"))
    recorded_at: Mapped[datetime]
    media_sha256: Mapped[str]
    media_path: Mapped[str | None] = mapped_column(PersonalText(hidden=None))
    original_name: Mapped[str] = mapped_column(PersonalText)
    duration_s: Mapped[float]
    width: Mapped[int]
    height: Mapped[int]
    codec: Mapped[str]
    rotation: Mapped[int]
    has_audio: Mapped[bool]
    consent_at: Mapped[datetime | None]
    consent_by: Mapped[str | None] = mapped_column(PersonalText)
    consent_text_version: Mapped[str | None]
    retain_until: Mapped[datetime | None]
    is_demo: Mapped[bool]
    created_at: Mapped[datetime]


ESTIMATE_COLUMNS = (
    "phq_score",
    "phq_low",
    "phq_high",
    "phq_level",
    "phq_scale",
    "phq_provenance",
    "phq_model_id",
    "phq_modalities",
)
"""A PHQ estimate is all of these or none."""

_MODALITIES = tuple("+".join(some) for n in range(1, len(Modality) + 1) for some in combinations(Modality, n))


class FaceChoiceRow(Base):
    """When a person last chose an analysis to stand for its session, by its faces or its sound.

    An analysis that nobody chose has no row.
    """

    __tablename__ = "face_choices"

    analysis_id: Mapped[str] = mapped_column(ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime]


class AnalysisRow(Base):
    """What one model found in one session with one setting. Written once; a trigger refuses updates.

    Attributes:
        beside: The digest of the files given beside the recording (`sidecar_digest` of `SessionAnalysis`).
        end_s: When the picture ends, in seconds; null where coverage and shares were counted by frames, not by time.
        phq_modalities: What the estimate is from, joined by "+", in the order of `Modality`.
        choice_at: When a person last chose the subject's faces, of `FaceChoiceRow`; null where nobody did.
    """

    __tablename__ = "analyses"
    __table_args__ = (
        UniqueConstraint("session_id", "model_id", "settings_hash"),
        CheckConstraint("(key_frames AND fps IS NULL) OR (NOT key_frames AND fps IS NOT NULL AND fps > 0)", name="fps"),
        CheckConstraint("coverage >= 0 AND coverage <= 1", name="coverage"),
        CheckConstraint("frames_with_face >= 0 AND frames_with_face <= frames_sampled", name="frames"),
        CheckConstraint(
            f"({_all_null((*EMOTIONS, 'dominant_emotion'))} AND frames_with_face = 0)"
            f" OR ({_all_set((*EMOTIONS, 'dominant_emotion'))} AND frames_with_face > 0)",
            name="emotions",
        ),
        _one_of("dominant_emotion", EMOTIONS),
        CheckConstraint(
            f"({_all_set(ESTIMATE_COLUMNS)} AND phq_unavailable IS NULL)"
            f" OR ({_all_null(ESTIMATE_COLUMNS)} AND phq_unavailable IS NOT NULL)",
            name="phq_estimate_or_reason",
        ),
        CheckConstraint(
            "0 <= phq_low AND phq_low <= phq_score AND phq_score <= phq_high"
            f" AND phq_high <= CASE phq_scale WHEN '{Scale.PHQ8}' THEN {Scale.PHQ8.maximum}"
            f" ELSE {Scale.PHQ9.maximum} END",
            name="phq_interval",
        ),
        CheckConstraint("phq_level > 0 AND phq_level < 1", name="phq_level"),
        _one_of("phq_scale", Scale),
        _one_of("phq_provenance", Provenance),
        _one_of("phq_modalities", _MODALITIES),
        _one_of("phq_unavailable", UnavailableReason),
        Index(None, "session_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    model_id: Mapped[str]
    settings: Mapped[dict[str, Any]]
    settings_hash: Mapped[str]
    beside: Mapped[str] = mapped_column(server_default="")
    fps: Mapped[float | None]
    key_frames: Mapped[bool]
    coverage: Mapped[float]
    end_s: Mapped[float | None]
    frames_sampled: Mapped[int]
    frames_with_face: Mapped[int]
    anger: Mapped[float | None]
    disgust: Mapped[float | None]
    fear: Mapped[float | None]
    happiness: Mapped[float | None]
    neutral: Mapped[float | None]
    sadness: Mapped[float | None]
    surprise: Mapped[float | None]
    dominant_emotion: Mapped[str | None]
    phq_score: Mapped[float | None]
    phq_low: Mapped[float | None]
    phq_high: Mapped[float | None]
    phq_level: Mapped[float | None]
    phq_scale: Mapped[str | None]
    phq_provenance: Mapped[str | None]
    phq_model_id: Mapped[str | None]
    phq_modalities: Mapped[str | None]
    phq_unavailable: Mapped[str | None]
    phq_detail: Mapped[str]
    warnings: Mapped[list[Any]]
    tracks: Mapped[list[Any]]
    timing: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    choice_at: Mapped[datetime | None] = column_property(
        select(FaceChoiceRow.at).where(FaceChoiceRow.analysis_id == id).scalar_subquery()
    )


_FACE_COLUMNS = (*EMOTIONS, *BOX_COLUMNS, "detection_score")


class FrameRow(Base):
    """One sampled frame; without the subject's face every column after `time_s` is null.

    Attributes:
        idx: The frame's place among the sampled ones, from 0.
        time_s: Seconds from the recording's start.
        landmarks: (5, 2) little-endian float32.
    """

    __tablename__ = "frames"
    __table_args__ = (
        _all_or_none(_FACE_COLUMNS, name="face_or_gap"),
        # The key is the row's place: no second copy of the 36-character id for each of millions of frames.
        {"sqlite_with_rowid": False},
    )

    analysis_id: Mapped[str] = mapped_column(ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True)
    idx: Mapped[int] = mapped_column(primary_key=True)
    time_s: Mapped[float]
    anger: Mapped[float | None] = mapped_column(REAL)
    disgust: Mapped[float | None] = mapped_column(REAL)
    fear: Mapped[float | None] = mapped_column(REAL)
    happiness: Mapped[float | None] = mapped_column(REAL)
    neutral: Mapped[float | None] = mapped_column(REAL)
    sadness: Mapped[float | None] = mapped_column(REAL)
    surprise: Mapped[float | None] = mapped_column(REAL)
    x0: Mapped[float | None] = mapped_column(REAL)
    y0: Mapped[float | None] = mapped_column(REAL)
    x1: Mapped[float | None] = mapped_column(REAL)
    y1: Mapped[float | None] = mapped_column(REAL)
    landmarks: Mapped[bytes | None]
    detection_score: Mapped[float | None] = mapped_column(REAL)
    quality: Mapped[float | None] = mapped_column(REAL)


class TimelineRow(Base):
    """All sampled frames of an analysis of an encrypted installation, in place of rows of `frames`.

    Attributes:
        rows: Number of frames.
        time_s: (rows,) float64, seconds from the recording's start.
        numbers: (rows, 23) float32: emotions, box, detection score, quality and landmarks, with NaN without a face.
    """

    __tablename__ = "timelines"
    __table_args__ = (
        CheckConstraint(
            f"{length_check('time_s', '8 * rows')} AND {length_check('numbers', '92 * rows')}", name="lengths"
        ),
    )

    analysis_id: Mapped[str] = mapped_column(ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True)
    rows: Mapped[int]
    time_s: Mapped[bytes] = mapped_column(EncryptedBytes("timelines.time_s"))
    numbers: Mapped[bytes] = mapped_column(EncryptedBytes("timelines.numbers"))


class EmbeddingRow(Base):
    """The face's embeddings of an analysis: little-endian arrays, a row for each frame with a face.

    Attributes:
        embeddings: (rows, dim) float16.
        time_s: (rows,) float64, seconds.
        kind: Which network made them; empty where that was not kept.
    """

    __tablename__ = "embeddings"
    __table_args__ = (
        CheckConstraint(
            f"{length_check('embeddings', '2 * dim * rows')} AND {length_check('time_s', '8 * rows')}", name="lengths"
        ),
        # SQLite keeps a row in the order of its columns: without the index it reads the arrays to come to the kind.
        Index(None, "kind", "analysis_id"),
    )

    analysis_id: Mapped[str] = mapped_column(ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True)
    dim: Mapped[int]
    rows: Mapped[int]
    embeddings: Mapped[bytes] = mapped_column(EncryptedBytes("embeddings.embeddings"))
    time_s: Mapped[bytes] = mapped_column(EncryptedBytes("embeddings.time_s"))
    kind: Mapped[str] = mapped_column(server_default="")


class FaceTableRow(Base):
    """Everybody's faces in an analysis: a `FaceTable` as little-endian arrays, a row for each face, by frame.

    What `frames` and `embeddings` say of the subject's faces is not said again: those rows have frame and track alone.

    Attributes:
        rows: All faces.
        other_rows: Those of tracks that are not the subject's.
        frame: (rows,) int32, index of the sampled frame.
        track: (rows,) int32, id of the face track.
        numbers: (other_rows, 16) float32: box, landmarks, detection score and quality.
        embeddings: (other_rows, dim) float16.
    """

    __tablename__ = "faces"
    __table_args__ = (
        CheckConstraint("other_rows >= 0 AND other_rows <= rows", name="rows"),
        CheckConstraint(
            f"{length_check('frame', '4 * rows')} AND {length_check('track', '4 * rows')}"
            f" AND {length_check('numbers', '64 * other_rows')}"
            f" AND {length_check('embeddings', '2 * dim * other_rows')}",
            name="lengths",
        ),
    )

    analysis_id: Mapped[str] = mapped_column(ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True)
    dim: Mapped[int]
    rows: Mapped[int]
    other_rows: Mapped[int]
    frame: Mapped[bytes] = mapped_column(EncryptedBytes("faces.frame"))
    track: Mapped[bytes] = mapped_column(EncryptedBytes("faces.track"))
    numbers: Mapped[bytes] = mapped_column(EncryptedBytes("faces.numbers"))
    embeddings: Mapped[bytes] = mapped_column(EncryptedBytes("faces.embeddings"))


class FacePictureRow(Base):
    """A small picture (JPEG) of a face track of an analysis; it goes with the session's recording."""

    __tablename__ = "face_pictures"
    __table_args__ = (CheckConstraint("length(picture) > 0", name="picture"),)

    analysis_id: Mapped[str] = mapped_column(ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True)
    track: Mapped[int] = mapped_column(primary_key=True)
    picture: Mapped[bytes] = mapped_column(EncryptedBytes("face_pictures.picture"))


class ChannelRow(Base):
    """A session's voice or words over time, as an analysis found them: a `FeatureSeries` as little-endian arrays.

    Attributes:
        numbers: (rows, width) float32 with NaN where not measured.
        time_s: (rows,) float64, seconds; null where the rows have only an order.
        kind: Which extractor made them.
    """

    __tablename__ = "channels"
    __table_args__ = (
        _one_of("modality", (Modality.VOICE, Modality.WORDS)),
        CheckConstraint("width > 0", name="width"),
        CheckConstraint(
            f"{length_check('numbers', '4 * width * rows')}"
            f" AND (time_s IS NULL OR {length_check('time_s', '8 * rows')})",
            name="lengths",
        ),
    )

    analysis_id: Mapped[str] = mapped_column(ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True)
    modality: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    names: Mapped[list[Any]]
    width: Mapped[int]
    rows: Mapped[int]
    numbers: Mapped[bytes] = mapped_column(EncryptedBytes("channels.numbers"))
    time_s: Mapped[bytes | None] = mapped_column(EncryptedBytes("channels.time_s"))


class BehaviourRow(Base):
    """A session's facial behaviour over time: a `FeatureSeries` as little-endian arrays, a row for each frame.

    Attributes:
        numbers: (rows, width) float16 with NaN where not measured.
        time_s: (rows,) float64, seconds.
        rate_hz: Frames a second that were asked for.
        last_s: Seconds that the last frame stands for; each other stands until the next.
        kind: What made them.
    """

    __tablename__ = "behaviours"
    __table_args__ = (
        CheckConstraint("width > 0", name="width"),
        CheckConstraint(
            f"{length_check('numbers', '2 * width * rows')} AND {length_check('time_s', '8 * rows')}", name="lengths"
        ),
    )

    analysis_id: Mapped[str] = mapped_column(ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str]
    names: Mapped[list[Any]]
    width: Mapped[int]
    rows: Mapped[int]
    rate_hz: Mapped[float]
    last_s: Mapped[float]
    numbers: Mapped[bytes] = mapped_column(EncryptedBytes("behaviours.numbers"))
    time_s: Mapped[bytes] = mapped_column(EncryptedBytes("behaviours.time_s"))


class TurnsRow(Base):
    """Who speaks when in a session, as an analysis found it: a `FeatureSeries` as little-endian arrays, a row a turn.

    Attributes:
        numbers: (rows, width) float32 with NaN where something is not known.
        time_s: (rows,) float64, seconds: when turns begin.
        duration_s: (rows,) float64, seconds: how long they last.
        kind: What made them.
        speaker_choice: A `SpeakerChoice`: how the subject's speaker was found, or why it is not known; null without a
            turn.
    """

    __tablename__ = "turns"
    __table_args__ = (
        CheckConstraint("width > 0", name="width"),
        CheckConstraint(
            f"{length_check('numbers', '4 * width * rows')} AND {length_check('time_s', '8 * rows')}"
            f" AND {length_check('duration_s', '8 * rows')}",
            name="lengths",
        ),
    )

    analysis_id: Mapped[str] = mapped_column(ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str]
    names: Mapped[list[Any]]
    width: Mapped[int]
    rows: Mapped[int]
    speaker_choice: Mapped[str | None]
    numbers: Mapped[bytes] = mapped_column(EncryptedBytes("turns.numbers"))
    time_s: Mapped[bytes] = mapped_column(EncryptedBytes("turns.time_s"))
    duration_s: Mapped[bytes] = mapped_column(EncryptedBytes("turns.duration_s"))


class TranscriptionRow(Base):
    """What is said in a session, as a recogniser wrote it: nobody's transcript.

    Attributes:
        segments: JSON in UTF-8, of each segment: start and end in seconds, speaker or null, words, confidence, doubts.
    """

    __tablename__ = "transcriptions"
    __table_args__ = (CheckConstraint("length(segments) > 0", name="segments"),)

    analysis_id: Mapped[str] = mapped_column(ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[str]
    language: Mapped[str]
    duration_s: Mapped[float]
    speech_s: Mapped[float]
    segments: Mapped[bytes] = mapped_column(EncryptedBytes("transcriptions.segments"))


_OPEN_FLAG = text("item9_flag AND acknowledged_at IS NULL")
_OPEN_FLAG_SQLITE = text("item9_flag = 1 AND acknowledged_at IS NULL")


class QuestionnaireRow(Base):
    """A completed PHQ-8 or PHQ-9. An edit supersedes: each row has at most one successor.

    Attributes:
        difficulty: The answer to the form's last question, no part of the total; null where it was not answered.
    """

    __tablename__ = "questionnaires"
    __table_args__ = (
        _one_of("scale", Scale),
        CheckConstraint(
            f"total >= 0 AND total <= CASE scale WHEN '{Scale.PHQ8}' THEN {Scale.PHQ8.maximum}"
            f" ELSE {Scale.PHQ9.maximum} END",
            name="total",
        ),
        CheckConstraint(f"NOT item9_flag OR scale = '{Scale.PHQ9}'", name="item9_flag"),
        CheckConstraint("difficulty IS NULL OR (difficulty >= 0 AND difficulty <= 3 AND total > 0)", name="difficulty"),
        _one_of("source", QuestionnaireSource),
        _all_or_none(("acknowledged_at", "acknowledged_by"), name="acknowledged"),
        Index(None, "subject_id", "answered_at"),
        Index(
            "ix_questionnaires_open_flag", "answered_at", sqlite_where=_OPEN_FLAG_SQLITE, postgresql_where=_OPEN_FLAG
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[str] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"))
    scale: Mapped[str]
    items: Mapped[list[Any]]
    total: Mapped[int]
    item9_flag: Mapped[bool]
    difficulty: Mapped[int | None]
    answered_at: Mapped[datetime]
    created_at: Mapped[datetime]
    source: Mapped[str]
    supersedes_id: Mapped[str | None] = mapped_column(ForeignKey("questionnaires.id"), unique=True)
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(PersonalText)


_LIVE = text("state IN ('queued', 'running')")


class JobRow(Base):
    """A durable analysis job; the partial unique index allows one live job a session.

    Attributes:
        priority: How soon it is taken, a `JobPriority`.
        stage: The step of the analysis, a `Step`.
        frames_done: How much of the step is done, in the step's unit.
        frames_expected: How much of it there is.
        step_started_at: Since when the job is at the step.
        error: The English of a message.
        error_code: The code of the message; null for a text from before messages had codes.
        error_params: The message's parameters; null without a code.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        _one_of("state", JobState),
        CheckConstraint("frames_done >= 0 AND (frames_expected IS NULL OR frames_expected >= 0)", name="progress"),
        CheckConstraint("attempt >= 1", name="attempt"),
        Index(None, "session_id", "created_at"),
        Index(None, "state", "priority", "created_at"),
        Index(None, "created_at"),
        Index(None, "analysis_id"),
        CheckConstraint("claims >= 0", name="claims"),
        Index("uq_jobs_live_session", "session_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    workflow_id: Mapped[str] = mapped_column(unique=True)
    priority: Mapped[int] = mapped_column(server_default="1")
    settings: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    state: Mapped[str]
    stage: Mapped[str | None]
    frames_done: Mapped[int]
    frames_expected: Mapped[int | None]
    step_started_at: Mapped[datetime | None]
    error: Mapped[str | None]
    error_code: Mapped[str | None]
    error_params: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    cancel_requested: Mapped[bool]
    attempt: Mapped[int]
    worker: Mapped[str | None]
    claim: Mapped[str | None]
    claims: Mapped[int]
    analysis_id: Mapped[str | None] = mapped_column(ForeignKey("analyses.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class WorkerRow(Base):
    """A worker process and when it last showed a sign of life."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class AccountRow(Base):
    """A person who may log in.

    Attributes:
        key: The name in small letters: two accounts never differ in case alone.
        password: The Argon2 hash; null where the person logs in with a provider of identities (OpenID Connect).
        identity: What the provider calls the person, an e-mail address or subject; null without one.
        issuer: The provider with which the person logged in first; null before.
        subject: What this provider calls the person for ever, and gives to nobody else; null before.
        disabled_at: Since when the person may not log in; null while they may.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        Index(None, "issuer", "subject", unique=True),
        _one_of("role", Role),
        CheckConstraint("trim(name) <> '' AND length(name) <= 100", name="name"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    password: Mapped[str | None]
    identity: Mapped[str | None] = mapped_column(unique=True)
    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class LoginRow(Base):
    """A login in a browser; `digest` is the SHA-256 of the secret in its cookie."""

    __tablename__ = "logins"

    digest: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    origin: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class AttemptRow(Base):
    """A failed login, by the name or the address that it was tried with, as a digest: they limit the next ones."""

    __tablename__ = "attempts"
    __table_args__ = (Index(None, "key", "at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    key: Mapped[str]
    at: Mapped[datetime]


class ApiTokenRow(Base):
    """What a program of an account shows instead of a password; `digest` is the SHA-256 of the token."""

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class IdempotencyKeyRow(Base):
    """A request that a program may send again with its key; forgotten after a day. It holds no words of either.

    Attributes:
        account_id: The account that sent it; '' where there are no accounts.
        digest: SHA-256 of the key.
        request: Digest of the request, keyed with the key itself: without the key nobody can try what was sent.
        status: The HTTP status of the answer; null while the request is carried out.
        ids: UUIDs of what it made, by what they are the ids of.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    account_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str]
    status: Mapped[int | None]
    ids: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class SubjectShareRow(Base):
    """A subject that an account may see: its own (`owner`) or one that was shared with it."""

    __tablename__ = "subject_shares"
    __table_args__ = (Index(None, "account_id"),)

    subject_id: Mapped[str] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    owner: Mapped[bool]
    at: Mapped[datetime]


_OF_SETTINGS = text("object_kind = 'setting'")


class AuditRow(Base):
    """One change, read, export or refusal, kept after the row that it concerns is erased; ids only, no health data.

    Attributes:
        actor: The program.
        name_id: Who was behind it, an id of `audit_names`; null where nobody is named.
        origin: The network address that it came from; empty for this machine.
        digest: SHA-256 over the entry and the digest of the one before it.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index(None, "object_id"),
        Index("ix_audit_settings", "id", sqlite_where=_OF_SETTINGS, postgresql_where=_OF_SETTINGS),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    name_id: Mapped[str | None]
    origin: Mapped[str] = mapped_column(server_default="")
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str]
    detail: Mapped[str]
    digest: Mapped[str] = mapped_column(server_default="")


class AuditNameRow(Base):
    """A name that entries of the audit point to: erased, the entries stay and the name is lost."""

    __tablename__ = "audit_names"
    __table_args__ = (Index(None, "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class AuditHeadRow(Base):
    """How many entries the audit has, and the digest of the newest: without it, the last ones could go unseen."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    entries: Mapped[int]
    digest: Mapped[str]


class SubjectTagRow(Base):
    """A word by which subjects are grouped: a study's arm, a site, a cohort."""

    __tablename__ = "subject_tags"
    __table_args__ = (
        CheckConstraint("trim(tag) <> '' AND length(tag) <= 60", name="tag"),
        Index(None, "tag"),
    )

    subject_id: Mapped[str] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)


class EventRow(Base):
    """Something that happened to a subject and that trends are read against: a medication begun, a therapy ended."""

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint("trim(words) <> '' AND length(words) <= 1200", name="words"),
        Index(None, "subject_id", "at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[str] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    words: Mapped[str] = mapped_column(EncryptedText("events.words"))
    created_at: Mapped[datetime]


class NoteRow(Base):
    """What a person wrote of a session or of a moment in it (`time_s`, seconds), with a tag where it has one.

    The store bounds the words; the bound here is what 4,000 characters may take when they are encrypted.
    """

    __tablename__ = "notes"
    __table_args__ = (
        CheckConstraint("time_s >= 0", name="time_s"),
        CheckConstraint("length(words) <= 22000", name="words"),
        CheckConstraint("tag IS NULL OR (trim(tag) <> '' AND length(tag) <= 60)", name="tag"),
        CheckConstraint("tag IS NOT NULL OR trim(words) <> ''", name="something"),
        Index(None, "session_id", "time_s"),
        Index(None, "tag"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    time_s: Mapped[float | None]
    words: Mapped[str] = mapped_column(EncryptedText("notes.words"))
    tag: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class TranscriptRow(Base):
    """The transcript that a person gave for a session, as the file was; `speaker` is the subject's name in it."""

    __tablename__ = "transcripts"
    __table_args__ = (
        CheckConstraint("length(document) > 0", name="document"),
        CheckConstraint("length(sha256) = 64", name="sha256"),
    )

    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    original_name: Mapped[str] = mapped_column(EncryptedText("transcripts.original_name"))
    speaker: Mapped[str | None] = mapped_column(EncryptedText("transcripts.speaker"))
    document: Mapped[bytes] = mapped_column(EncryptedBytes("transcripts.document"))
    sha256: Mapped[str]
    created_at: Mapped[datetime]


class MeasureRow(Base):
    """A number that sums up an analysis, for trends and cohorts; what could not be measured has no row."""

    __tablename__ = "measures"
    __table_args__ = (
        Index(None, "name", "analysis_id"),
        {"sqlite_with_rowid": False},
    )

    analysis_id: Mapped[str] = mapped_column(ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]


class SettingRow(Base):
    """A deployment-wide setting that a person changes while it runs, such as the active model."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    updated_at: Mapped[datetime]
