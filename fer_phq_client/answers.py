"""What the server answers, as typed dictionaries. Times of day are ISO 8601 in UTC; a later server may add keys."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class Note(TypedDict):
    """What a person should know: a sentence, and by which code and parameters a program recognises it."""

    detail: str
    code: str
    params: dict[str, Any]


class Problem(TypedDict):
    """Why a part of an answer could not be given."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    params: dict[str, Any]


class HeadPose(TypedDict):
    """How a head is turned (positive: up, to the person's left, to the right shoulder) and where it is."""

    pitch_deg: float
    yaw_deg: float
    roll_deg: float
    position_cm: tuple[float, float, float]


class Gaze(TypedDict):
    """Where the eyes look (positive: up, to the person's left), against the camera's axes and against the head."""

    pitch_deg: float
    yaw_deg: float
    head_pitch_deg: float
    head_yaw_deg: float


class Face(TypedDict):
    """A face of a picture: `box` in pixels (x0, y0, x1, y1), probabilities of seven emotions, and its mesh.

    Of the mesh's 478 points x and y are in pixels. What is missing has its reason in `gaps`.
    """

    box: tuple[float, float, float, float]
    score: float
    quality: float
    emotions: dict[str, float]
    presence: NotRequired[float]
    points: NotRequired[list[tuple[float, float, float]]]
    head_pose: NotRequired[HeadPose]
    gaze: NotRequired[Gaze]
    blendshapes: NotRequired[dict[str, float | None]]
    gaps: list[Note]


class Picture(TypedDict, total=False):
    """A picture's faces, or the problem because of which there are none."""

    index: int
    model_id: str
    width: int
    height: int
    faces: list[Face]
    notes: list[Note]
    problem: Problem


class Prediction(TypedDict, total=False):
    """The faces of all pictures of a request."""

    model_id: str
    results: list[Picture]
    faces: list[Face]


class Sampling(TypedDict):
    """Which frames were analysed: `fps` a second, or the key frames."""

    fps: float | None
    key_frames: bool


class Estimate(TypedDict):
    """A PHQ estimate. It holds only with its interval and its provenance, and `notes` are to be read beside it."""

    state: Literal["estimate"]
    score: float
    low: float
    high: float
    level: float
    scale: str
    bands: list[str]
    provenance: str
    model_id: str
    modalities: list[str]
    notes: list[Note]


class NoEstimate(TypedDict):
    """Why there is no estimate."""

    state: Literal["unavailable"]
    reason: str
    detail: Note


class Analysis(TypedDict):
    """What one model made of a session. `coverage` is a share of the recording's time."""

    id: str
    session_id: str
    model_id: str
    created_at: str
    sampling: Sampling
    coverage: float
    frames_sampled: int
    frames_with_face: int
    emotions: dict[str, float] | None
    dominant_emotion: str | None
    phq: Estimate | NoEstimate
    warnings: list[Note]
    notes: list[Note]


class FaceTrack(TypedDict):
    """A face that was followed without a break; times are seconds from the recording's start."""

    track: int
    person: int | None
    is_subject: bool
    first_s: float
    last_s: float
    seen_s: float | None
    frames: int
    mean_area: float


class Speaker(TypedDict):
    """Somebody who is heard; times are seconds from the recording's start."""

    speaker: int
    is_subject: bool | None
    speech_s: float
    speech_share: float
    turns: int
    sample_start_s: float | None
    sample_end_s: float | None


class ChosenSpeaker(TypedDict):
    """The job that analyses a session with another subject's voice, or the analysis that was there; one is None."""

    job_id: str | None
    analysis_id: str | None


class Series(TypedDict):
    """A feature series that is stored."""

    name: str
    kind: str


class Job(TypedDict):
    """Where an analysis of a session stands; `done`, `failed` and `cancelled` are ends.

    `priority` is `interactive`, or `batch`, which is behind everybody else's.
    """

    id: str
    session_id: str
    state: str
    priority: Literal["interactive", "batch"]
    active: bool
    step: str | None
    done: int
    total: int | None
    fraction: float | None
    frames_per_s: float | None
    seconds_left: float | None
    ahead: int
    worker_alive: bool
    message: Note
    error: Note | None
    analysis_id: str | None
    attempt: int
    created_at: str
    started_at: str | None
    finished_at: str | None


class Subject(TypedDict):
    """A subject, with the counts and last dates of what is stored."""

    id: str
    label: str
    tags: list[str]
    sessions: int
    analysed_sessions: int
    last_recorded_at: str | None
    questionnaires: int
    last_answered_at: str | None
    is_demo: bool
    created_at: str


class Consent(TypedDict):
    """A consent that was recorded."""

    at: str
    by: str
    text_version: str


class SessionJob(TypedDict):
    """The newest job of a session."""

    id: str
    state: str


class Session(TypedDict):
    """One recording of one subject; `analysis_id` is of the analysis that stands for it."""

    id: str
    subject_id: str
    recorded_at: str
    original_name: str
    duration_s: float
    width: int
    height: int
    codec: str
    rotation: int
    has_audio: bool
    sha256: str
    has_recording: bool
    consent: Consent | None
    consent_withdrawn: bool
    retain_until: str | None
    job: SessionJob | None
    analysis_id: str | None
    is_demo: bool
    created_at: str


class TrendSession(TypedDict):
    """An analysed session in a trend. Sessions of one `segment` are of one model and without a long gap."""

    session_id: str
    analysis_id: str
    recorded_at: str
    model_id: str
    segment: int
    coverage: float
    counts_by_frames: bool
    emotions: dict[str, float] | None
    dominant_emotion: str | None
    measures: dict[str, float | None]
    phq: Estimate | NoEstimate
    is_demo: bool
    consent_withdrawn: bool
    turns_kind: str | None
    speaker_choice: str | None


class Trends(TypedDict):
    """A subject over time, oldest first; `notes` are to be read beside the numbers."""

    subject_id: str
    sessions: list[TrendSession]
    questionnaires: list[dict[str, Any]]
    measures: list[dict[str, Any]]
    baseline: dict[str, Any] | None
    events: list[dict[str, Any]]
    notes: list[Note]


class NewSession(TypedDict):
    """The session that a recording became; `duplicate` says that the subject had this very recording already."""

    session_id: str
    job_id: str | None
    duplicate: bool


class Upload(TypedDict):
    """How far an upload is."""

    id: str
    size: int
    offset: int
    expires_at: str
    session: NewSession | None
    problem: Note | None


class SessionTranscript(TypedDict):
    """The transcript of a session, without its words; `notes` say what becomes of the analyses."""

    session_id: str
    name: str
    speaker: str | None
    speakers: list[str]
    utterances: int
    sha256: str
    created_at: str
    analysis_id: str | None
    is_analysed: bool
    notes: list[Note]


class WaitingTranscript(TypedDict):
    """A transcript that waits for its recording; `speaker` is its subject, and None where all words are."""

    id: str
    speaker: str | None
    speakers: list[str]
    utterances: int
    expires_at: str
    notes: list[Note]
