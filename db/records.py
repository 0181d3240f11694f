"""What the store hands out and takes in: frozen dataclasses, never database objects.

Every datetime is timezone-aware; those that come out are in UTC. Ids are UUID strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from db.actors import Role
from fer_phq.core.analysis import Sampling, Step, Timeline, Timing, TrackSummary
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.errors import StoreError
from fer_phq.core.messages import Message
from fer_phq.core.phq import Band, PhqResult, Scale, band_of

MAX_TRANSCRIPT = 16 * 2**20
"""Bytes of the largest transcript that is kept."""


class NotFoundError(StoreError):
    """The row that was asked for by its id is not in the database, or not for the one who asks.

    Attributes:
        hidden: The kind and id of a row that there is, but not for the one who asks; None for one that there is not.
    """

    def __init__(self, message: Message, hidden: tuple[str, str] | None = None) -> None:
        """Take the message, and the row that there is all the same."""
        super().__init__(message)
        self.hidden = hidden


class InputError(StoreError):
    """A value that is never stored, whatever else is: a label of two lines, a questionnaire with an item missing."""


class ForbiddenError(StoreError):
    """The role of the account does not allow it."""


class DuplicateSessionError(StoreError):
    """The subject already has a session of this very recording.

    Attributes:
        session_id: The UUID of that session.
    """

    def __init__(self, message: Message, session_id: str) -> None:
        """Keep the id of the session that is there.

        Args:
            message: What the person reads.
            session_id: The UUID of that session.
        """
        super().__init__(message)
        self.session_id = session_id


class JobState(StrEnum):
    """Where an analysis job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobPriority(IntEnum):
    """How soon a job is taken: all that wait of a lower number come before it."""

    INTERACTIVE = 1
    """Somebody waits for it: an upload, an import, a wish for a new analysis."""
    BATCH = 2
    """One of many that a program queued, for the time that nobody else needs."""


LIVE_STATES: tuple[JobState, ...] = (JobState.QUEUED, JobState.RUNNING)
"""States of a job that is still to be worked on; a session has at most one such job."""


class QuestionnaireSource(StrEnum):
    """How a questionnaire came into the store."""

    ENTERED = "entered"
    IMPORTED = "imported"
    DEMO = "demo"


class AttentionKind(StrEnum):
    """Why something is on the list of what needs attention."""

    ITEM_9 = "item_9"
    FAILED_JOB = "failed_job"
    LOW_COVERAGE = "low_coverage"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    NO_CONSENT = "no_consent"
    PAST_RETENTION = "past_retention"


@dataclass(frozen=True)
class SubjectRecord:
    """A person under a label of the user's choosing. `is_demo` marks the made-up ones."""

    id: str
    label: str
    is_demo: bool
    created_at: datetime


@dataclass(frozen=True)
class SubjectSummary:
    """A subject with the counts and last dates of what is stored. `questionnaires` counts those not superseded."""

    id: str
    label: str
    is_demo: bool
    created_at: datetime
    sessions: int
    analysed_sessions: int
    last_recorded_at: datetime | None
    questionnaires: int
    last_answered_at: datetime | None


@dataclass(frozen=True)
class Consent:
    """When consent was given, who recorded it, and which version of the consent text it was."""

    at: datetime
    by: str
    text_version: str


@dataclass(frozen=True)
class SessionRecord:
    """One recording of one subject.

    Attributes:
        media_path: Where it is, relative to the media folder; None when the file was removed.
        duration_s: Seconds.
        width: Pixels as displayed.
        height: Pixels as displayed.
        rotation: Degrees clockwise: 0, 90, 180 or 270.
    """

    id: str
    subject_id: str
    recorded_at: datetime
    media_sha256: str
    media_path: str | None
    original_name: str
    duration_s: float
    width: int
    height: int
    codec: str
    rotation: int
    has_audio: bool
    consent: Consent | None
    retain_until: datetime | None
    is_demo: bool
    created_at: datetime


@dataclass(frozen=True)
class AnalysisSummary:
    """What one model found in one session, without the frames.

    Attributes:
        coverage: Share of the recording in which the face was seen, 0 to 1.
        emotions: Mean probability of each emotion over the time with a face; None without a face.
        phq: An estimate with interval and provenance, or the reason why there is none.
        sidecar_digest: Digest of the files given beside the recording, as in `SessionAnalysis`.
        choice_at: When a person last chose the analysis to stand for its session, by its faces or its sound; None
            where nobody did.
        counts_by_frames: Whether an earlier version counted coverage and shares by frames, not by time.
    """

    id: str
    session_id: str
    model_id: str
    sampling: Sampling
    settings: Mapping[str, Any]
    settings_hash: str
    coverage: float
    frames_sampled: int
    frames_with_face: int
    emotions: Mapping[str, float] | None
    dominant_emotion: str | None
    phq: PhqResult
    warnings: tuple[Message, ...]
    created_at: datetime
    sidecar_digest: str = ""
    choice_at: datetime | None = None
    counts_by_frames: bool = False

    @property
    def faces_choice_at(self) -> datetime | None:
        """When a person last chose the subject's faces; None where the choice is the program's."""
        return self.choice_at if self.settings.get("tracks") else None


@dataclass(frozen=True, eq=False)
class AnalysisRecord:
    """An analysis with its timeline (gaps are NaN rows), tracks and timing."""

    summary: AnalysisSummary
    timeline: Timeline
    tracks: tuple[TrackSummary, ...]
    timing: Timing


@dataclass(frozen=True, eq=False)
class EmbeddingRecord:
    """The face's embeddings of an analysis, a row for each of m frames with a face.

    Attributes:
        time_s: (m,) float64, seconds.
        embeddings: (m, dim) float32, kept as float16: about three significant digits.
        kind: Which network made them; empty where that was not kept.
    """

    time_s: TimeArray
    embeddings: FloatArray
    kind: str


@dataclass(frozen=True)
class LabelledSessionRecord:
    """A session and the questionnaire that its subject answered near it.

    Attributes:
        analysis_id: The analysis whose arrays stand for the session.
        score: The questionnaire's total.
        items: Its answers, 0 to 3 each.
    """

    session_id: str
    subject_id: str
    recorded_at: datetime
    analysis_id: str
    questionnaire_id: str
    score: int
    items: tuple[int, ...]
    answered_at: datetime


class Exclusion(StrEnum):
    """Why a session is no label for the training of PHQ heads, in the order in which the reasons are looked for."""

    DEMONSTRATION = "demonstration"
    WITHDRAWN = "withdrawn"
    NOT_ANALYSED = "not_analysed"
    OTHER_BACKBONE = "other_backbone"
    NO_QUESTIONNAIRE = "no_questionnaire"
    OTHER_SCALE = "other_scale"
    TOO_FAR = "too_far"
    NOTHING_MEASURED = "nothing_measured"


@dataclass(frozen=True)
class LabelSurvey:
    """Which stored sessions are labels of a scale, and why the others are none.

    Attributes:
        sessions: The labels, by subject, then date.
        excluded: How many sessions each reason keeps out, in the order of `Exclusion`.
        nearest_days: Days between recording and questionnaire in that session of `Exclusion.TOO_FAR` in which they are
            fewest; None without one.
    """

    sessions: tuple[LabelledSessionRecord, ...]
    excluded: Mapping[Exclusion, int]
    nearest_days: float | None


@dataclass(frozen=True)
class JobRecord:
    """An analysis job.

    Attributes:
        step: What the analysis is at; None while it waits, and of a job that ended before there were steps.
        done: How much of the step is done, in the step's unit (see `Step`).
        total: How much of it there is, possibly an estimate; None until known.
        step_started_at: Since when the job is at the step.
        error: Why it failed.
        attempt: 1 at first; each retry adds one.
        claims: How often a worker took this attempt.
    """

    id: str
    session_id: str
    workflow_id: str
    priority: JobPriority
    settings: dict[str, Any] | None
    state: JobState
    step: Step | None
    done: int
    total: int | None
    step_started_at: datetime | None
    error: Message | None
    cancel_requested: bool
    attempt: int
    worker: str | None
    claims: int
    analysis_id: str | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_live(self) -> bool:
        """Whether the job is queued or running."""
        return self.state in LIVE_STATES


@dataclass(frozen=True)
class WorkerRecord:
    """A worker process.

    Attributes:
        seen_at: Its last sign of life, by the database's clock.
    """

    id: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime


@dataclass(frozen=True)
class JobView:
    """A job with the words a list of jobs shows."""

    job: JobRecord
    subject_id: str
    subject_label: str
    original_name: str


@dataclass(frozen=True)
class SessionSummary:
    """A session with its newest analysis and newest job."""

    session: SessionRecord
    subject_label: str
    analysis: AnalysisSummary | None
    job: JobRecord | None


@dataclass(frozen=True)
class SessionDetail:
    """A session with its subject, all its analyses (newest or last chosen first) and its newest job.

    Attributes:
        is_withdrawn: Whether its consent was withdrawn and not given again.
    """

    session: SessionRecord
    subject: SubjectRecord
    analyses: tuple[AnalysisSummary, ...]
    job: JobRecord | None
    is_withdrawn: bool


@dataclass(frozen=True)
class QuestionnaireRecord:
    """A completed PHQ-8 or PHQ-9. An edit is a new row that supersedes the old one; both are kept.

    Attributes:
        items: The answers in the form's order, 0 to 3 each.
        item9_flag: Whether the answer to item 9 was not zero (False for PHQ-8, which does not ask).
        difficulty: An index of `DIFFICULTY_ANSWERS`, no part of the total; None where not asked or not answered.
        superseded: Whether a later questionnaire corrects it.
    """

    id: str
    subject_id: str
    scale: Scale
    items: tuple[int, ...]
    total: int
    item9_flag: bool
    difficulty: int | None
    answered_at: datetime
    created_at: datetime
    source: QuestionnaireSource
    supersedes_id: str | None
    superseded: bool
    acknowledged_at: datetime | None
    acknowledged_by: str | None

    @property
    def band(self) -> Band:
        """Severity band of the total."""
        return band_of(self.total)

    @property
    def answers(self) -> tuple[Scale, datetime, tuple[int, ...]]:
        """What makes two questionnaires of a person one: scale, time and items."""
        return self.scale, self.answered_at, self.items


def is_difficulty_new(difficulty: int | None, stored_difficulties: Iterable[int | None]) -> bool:
    """Return whether a questionnaire that is stored already comes with another difficulty, which is a correction.

    Args:
        difficulty: The difficulty that it comes with; None where it was not answered.
        stored_difficulties: Those that were stored of it, corrected ones too.
    """
    return difficulty is not None and difficulty not in set(stored_difficulties)


@dataclass(frozen=True)
class EventRecord:
    """Something that happened to a subject, such as a treatment begun."""

    id: str
    subject_id: str
    at: datetime
    words: str
    created_at: datetime


@dataclass(frozen=True)
class NoteRecord:
    """What a person wrote of a session, or of a moment in it.

    Attributes:
        time_s: The moment, in seconds from the recording's start; None for the whole session.
        words: The text; may be empty where there is a tag.
    """

    id: str
    session_id: str
    time_s: float | None
    words: str
    tag: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class NewTranscript:
    """A transcript to be kept with a session.

    Attributes:
        document: The file as it was.
        speaker: The subject's name in it; None where it is not known.
    """

    original_name: str
    document: bytes = field(repr=False)
    speaker: str | None = None


@dataclass(frozen=True)
class TranscriptRecord:
    """A session's transcript.

    Attributes:
        speaker: The subject's name in it; None where it is not known.
        document: The file as it was.
    """

    session_id: str
    original_name: str
    speaker: str | None
    document: bytes
    sha256: str
    created_at: datetime


@dataclass(frozen=True)
class CohortFilter:
    """Which analysed sessions a cohort is made of; the default is all of them.

    Attributes:
        tags: Only subjects that have any of these; empty for all.
        since: Only sessions recorded at or after this moment; None for no limit.
        until: Only sessions recorded before this moment; None for no limit.
        model_id: Only analyses by this model; None for any.
        min_coverage: The least share of the recording with a face, 0 to 1.
        demo: Whether demonstrations count.
    """

    tags: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    model_id: str | None = None
    min_coverage: float = 0.0
    demo: bool = True


@dataclass(frozen=True)
class AttentionItem:
    """Something a person should look at.

    Attributes:
        object_id: The id of the job, analysis, session or questionnaire that it is about.
    """

    kind: AttentionKind
    at: datetime
    subject_id: str
    subject_label: str
    session_id: str | None
    object_id: str
    detail: Message


@dataclass(frozen=True)
class AuditRecord:
    """One change, read, export or refusal: who did what to which row. It holds no health data, labels or file names.

    Attributes:
        actor: The program.
        by: The person's name; empty where nobody was named, or where the name was erased.
        origin: The network address that it came from; empty for this machine.
    """

    id: int
    at: datetime
    actor: str
    by: str
    origin: str
    action: str
    object_kind: str
    object_id: str
    detail: str

    @property
    def who(self) -> str:
        """The program, and the person behind it where somebody is named."""
        return f"{self.actor}, {self.by}" if self.by else self.actor


@dataclass(frozen=True)
class ChainCheck:
    """Whether the audit is whole.

    Attributes:
        entries: Number of entries.
        digest: The digest of the newest: noted elsewhere, it shows later that nothing before it was changed.
        broken_id: The first entry that does not follow from the one before it; None where all do.
        missing: Number of entries that were removed from the end.
    """

    entries: int
    digest: str
    broken_id: int | None
    missing: int

    @property
    def whole(self) -> bool:
        """Whether no entry was changed, added or removed."""
        return self.broken_id is None and self.missing == 0


@dataclass(frozen=True)
class AccountRecord:
    """A person who may log in.

    Attributes:
        identity: What a provider of identities calls the person; None where the account has a password.
        disabled_at: Since when the person may not log in; None while they may.
    """

    id: str
    name: str
    role: Role
    identity: str | None
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True)
class TokenRecord:
    """A token of a program, without its secret."""

    id: str
    account_id: str
    account: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True)
class IdempotencyRecord:
    """What is remembered of a request that came with an idempotency key.

    Attributes:
        request: Keyed digest of the request.
        status: The HTTP status of its answer; None while it is carried out, and where that was broken off.
        ids: UUIDs of what it made, by what they are the ids of.
    """

    request: str
    status: int | None
    ids: Mapping[str, str]


@dataclass(frozen=True)
class Position:
    """A row's place in a list that is ordered by time and id; the list goes on behind it.

    Attributes:
        at: The time by which the list is ordered, timezone-aware.
        id: The row's UUID, which orders rows of the same time.
    """

    at: datetime
    id: str


@dataclass(frozen=True)
class ShareRecord:
    """An account that may see a subject."""

    account_id: str
    account: str
    owner: bool
    at: datetime


@dataclass(frozen=True)
class ErasureReport:
    """What an erasure removed, and what the caller has still to remove.

    Attributes:
        media_paths: Recordings, relative to the media folder, that no remaining session uses.
        workflow_ids: Jobs of the erased sessions in the job engine.
        bytes_cleared: False when another connection kept SQLite's write-ahead log from being emptied. The rows are
            gone, and the log is emptied at the next erasure or when the last connection closes.
    """

    subjects: int
    sessions: int
    analyses: int
    questionnaires: int
    media_paths: tuple[str, ...]
    workflow_ids: tuple[str, ...]
    bytes_cleared: bool


@dataclass(frozen=True)
class ErasurePlan:
    """What an erasure will remove: how many rows of each kind, and what lies outside of the database.

    Attributes:
        kind: `subject` or `session`.
        object_id: The UUID of the subject or session.
        label: The subject's label.
        sessions: Number of sessions.
        recordings: Number of recordings that are still there.
        shared_recordings: Those of them that another subject's session has too: their files stay.
        analyses: Number of analyses.
        embeddings: Number of analyses whose face embeddings are stored.
        series: Number of stored series of voice and words.
        face_pictures: Number of small pictures of faces.
        transcripts: Number of transcripts.
        notes: Number of notes.
        jobs: Number of jobs.
        questionnaires: Number of questionnaires, earlier versions included.
        events: Number of events.
        tags: Number of the subject's tags.
        session_ids: The sessions' UUIDs.
        media_paths: Recordings, relative to the media folder, that no other session uses.
        job_ids: The jobs' UUIDs, with which their names in the job engine begin.
    """

    kind: str
    object_id: str
    label: str
    sessions: int
    recordings: int
    shared_recordings: int
    analyses: int
    embeddings: int
    series: int
    face_pictures: int
    transcripts: int
    notes: int
    jobs: int
    questionnaires: int
    events: int
    tags: int
    session_ids: tuple[str, ...]
    media_paths: tuple[str, ...]
    job_ids: tuple[str, ...]


@dataclass(frozen=True)
class MergeReport:
    """What a merging of two subjects moved.

    Attributes:
        sessions: Number of sessions that moved.
        questionnaires: Number of questionnaires that moved.
        events: Number of events that moved.
        tags: Number of tags that were added.
        twins: Number of sessions whose recording the other subject had too: of each pair one stays.
        same_questionnaires: Number of questionnaires that both had: of each pair one stays.
        conflicts: Number of questionnaires for which the other subject has one of the same scale and time with other
            answers: both stay.
        same_events: Number of events that both had.
        same_notes: Number of notes that both sessions of a recording had.
        transcripts: Number of transcripts that go, since the other session of the recording has another one.
        analyses: Number of analyses that go with sessions of recordings that both had.
        withdrawals: Number of sessions whose consent ends, since it was withdrawn for the other of the recording.
        consents: Number of sessions that take the consent of the other session of the recording.
        retentions: Number of sessions whose recording is kept as short as the other session of the recording says.
        accounts: Names of the accounts that saw one of the two and see the whole person from now on.
    """

    sessions: int
    questionnaires: int
    events: int
    tags: int
    twins: int
    same_questionnaires: int = 0
    conflicts: int = 0
    same_events: int = 0
    same_notes: int = 0
    transcripts: int = 0
    analyses: int = 0
    withdrawals: int = 0
    consents: int = 0
    retentions: int = 0
    accounts: tuple[str, ...] = ()
