"""Which speaker is a session's subject, as a person chooses: a job that measures the voice of that one.

A choice is kept as the times at which the chosen one speaks, among the analysis's settings. A speaker's number means
nothing when the recording is heard again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from db.records import AnalysisSummary, JobRecord, TranscriptRecord
from db.store import Store
from fer_phq.core.analysis import Settings
from fer_phq.core.errors import FerPhqError, SettingsError, StoreError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.pipeline.turns import speaker_by_turns
from fer_phq.speakers.files.series import turns_of
from fer_phq.words import parse_transcript, subject_speaker
from service.ingest.media import MediaStore
from service.jobs import messages
from service.jobs.queue import enqueue_analysis
from service.jobs.sidecar import digest
from service.jobs.sound import face_settings, sound_settings, speaker_settings
from service.lifecycle.consent import check_not_withdrawn
from service.models.active_model import preferred_model
from service.settings import AppSettings

TurnTimes = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ChosenSpeaker:
    """What a choice led to: exactly one of both.

    Attributes:
        job_id: The job that analyses the recording with the chosen voice.
        analysis_id: The analysis with it that was there already, and from now on stands for the session.
    """

    job_id: str | None = None
    analysis_id: str | None = None


def choose_speaker(settings: AppSettings, store: Store, summary: AnalysisSummary, speaker: int | None) -> ChosenSpeaker:
    """Have a speaker's voice measured as the subject's, with the frames, faces and sound of an analysis.

    The earlier analysis stays. The same choice again while its job waits or runs is that job.

    Args:
        settings: The installation's settings.
        store: The store.
        summary: The analysis whose speakers are chosen from.
        speaker: The speaker's number in it; None leaves the choice to the program again.

    Raises:
        SettingsError: The analysis has no such speaker, or none that could be found again; the transcript names the
            subject; or the recording is gone.
        StoreError: The session is being analysed in another way.
        ConsentError: The session has no consent, or it was withdrawn.
        ForbiddenError: The actor only reads.
        NotFoundError: The session is gone.
    """
    session = store.sessions.get(session_id=summary.session_id)
    store.subjects.check_change(subject_id=session.subject_id)
    check_not_withdrawn(store, session.id)
    turns = () if speaker is None else turns_to_choose(store.features.load_turns(analysis_id=summary.id), speaker)
    transcript = store.transcripts.get(session_id=session.id)
    if speaker is not None and names_subject(transcript):
        raise SettingsError(messages.TRANSCRIPT_NAMES_SUBJECT())
    options = job_options(Settings.from_dict(summary.settings), turns)
    live = store.jobs.latest(session_id=session.id)
    if live is not None and live.is_live:
        return ChosenSpeaker(job_id=_same_job(live, options))
    existing = _find(settings, store, session.id, options, transcript)
    if existing is not None:
        store.faces.choose(analysis_id=existing.id)
        _note(store, summary, speaker)
        return ChosenSpeaker(analysis_id=existing.id)
    if session.media_path is None:
        raise SettingsError(messages.RECORDING_REMOVED())
    if not MediaStore(settings).path_of(session.media_path).is_file():
        raise SettingsError(messages.RECORDING_MISSING())
    job = store.jobs.get(job_id=enqueue_analysis(settings, store, session.id, options).id)
    job_id = _same_job(job, options)  # somebody else may have been quicker
    _note(store, summary, speaker)
    return ChosenSpeaker(job_id=job_id)


def turns_to_choose(series: FeatureSeries | None, speaker: int) -> TurnTimes:
    """Return when a speaker speaks, as `Settings.subject_turns` has it.

    Args:
        series: Everybody's turns, of `turn_series`; None where they are not stored.
        speaker: The speaker's number.

    Raises:
        SettingsError: There are no turns, no such speaker, or another one speaks at nearly the same times.
    """
    if series is None:
        raise SettingsError(messages.NO_TURNS_TO_CHOOSE())
    turns = turns_of(series)
    speakers = sorted({turn.speaker for turn in turns})
    if not speakers:
        raise SettingsError(messages.NOBODY_TO_CHOOSE())
    if speaker not in speakers:
        raise SettingsError(messages.UNKNOWN_SPEAKER(speaker=speaker, speakers=tuple(map(str, speakers))))
    times = tuple((turn.start_s, turn.end_s) for turn in turns if turn.speaker == speaker)
    if speaker_by_turns(turns, times) != speaker:
        raise SettingsError(messages.SPEAKERS_TOGETHER(speaker=speaker))
    return Settings(speech=True, subject_turns=times).subject_turns


def names_subject(transcript: TranscriptRecord | None) -> bool:
    """Tell whether a session's transcript says who the subject is, which counts before any choice.

    Args:
        transcript: The transcript; None without one.
    """
    if transcript is None:
        return False
    try:
        parsed = parse_transcript(transcript.document, transcript.original_name)
        speaker, _ = subject_speaker(parsed, transcript.speaker)
    except FerPhqError:  # it fails the analysis, which says why
        return False
    return speaker is not None


def speaker_of_analysis(summary: AnalysisSummary | None) -> dict[str, Any]:
    """Return the choice of the speaker that an analysis was made with, as a job's own settings; empty without one.

    Args:
        summary: The analysis that stands for its session; None without any.
    """
    return {} if summary is None else speaker_settings(Settings.from_dict(summary.settings))


def job_options(earlier: Settings, turns: TurnTimes) -> dict[str, Any]:
    """Return the own settings of a job that differs from an analysis in the subject's speaker alone.

    Args:
        earlier: The settings of the analysis.
        turns: When the chosen speaker speaks; none leaves the choice to the program.
    """
    return {
        **face_settings(earlier),
        **sound_settings(earlier.sound),
        "speech": True,
        **speaker_settings(replace(earlier, speech=True, subject_turns=turns)),
    }


def _same_job(job: JobRecord, options: dict[str, Any]) -> str:
    """Return the id of a session's live job. Raises StoreError where it analyses the session in another way."""
    if job.settings != options:
        raise StoreError(messages.ANALYSED_MEANWHILE())
    return job.id


def _find(
    settings: AppSettings, store: Store, session_id: str, options: dict[str, Any], transcript: TranscriptRecord | None
) -> AnalysisSummary | None:
    """Find the analysis by the active model that a job with these settings would make; None where it is not there."""
    model_id = preferred_model(settings, store)
    if model_id is None:
        return None
    return store.analyses.find(
        session_id=session_id,
        model_id=model_id,
        settings=settings.analysis_settings(options),
        sidecar_digest="" if transcript is None else digest(transcript),
    )


def _note(store: Store, summary: AnalysisSummary, speaker: int | None) -> None:
    """Note in the audit who chose which speaker."""
    words = "the program's choice" if speaker is None else f"speaker {speaker}"
    detail = f"session {summary.session_id}, {words}"
    store.audit.add(action="choose_speaker", object_kind="analysis", object_id=summary.id, detail=detail)
