"""Whose sound of a stored session is analysed: the tracks and channels there are, and a job with another choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from db.records import AnalysisSummary, SessionRecord
from db.store import Store
from fer_phq.core.analysis import AUTOMATIC, Settings, SoundChoice, SoundTrackInfo
from fer_phq.core.errors import RecordingError
from fer_phq.video import list_sound_tracks
from fer_phq.video import messages as video_messages
from service.ingest.media import MediaStore
from service.jobs.queue import JobStatus, enqueue_analysis
from service.settings import AppSettings

CHOICES = tuple(
    template.code
    for template in (
        video_messages.TRACKS_ADDED,
        video_messages.TRACK_ALONE,
        video_messages.CHANNELS_ADDED,
        video_messages.CHANNEL_ALONE,
        video_messages.CHANNEL_OF_OPPOSITES,
    )
)
"""Codes of the warnings that say which tracks and channels the program chose."""


def says_choice(summary: AnalysisSummary) -> bool:
    """Return whether an analysis warns which tracks or channels the program chose."""
    return any(warning.code in CHOICES for warning in summary.warnings)


def choice_of(summary: AnalysisSummary) -> SoundChoice:
    """Return whose sound was set by hand for an analysis."""
    return Settings.from_dict(summary.settings).sound


def read_sound_tracks(settings: AppSettings, session: SessionRecord) -> tuple[SoundTrackInfo, ...]:
    """List the sound tracks of a session's recording.

    Args:
        settings: The installation's settings.
        session: The session.

    Returns:
        The tracks; none where the recording has no sound, cannot be read or was removed.
    """
    if session.media_path is None or not session.has_audio:
        return ()
    try:
        return list_sound_tracks(MediaStore(settings).path_of(session.media_path), display_name=session.original_name)
    except RecordingError:
        return ()


def list_choices(tracks: Sequence[SoundTrackInfo]) -> list[SoundChoice]:
    """List what may be chosen of these tracks: first the program's choice, then each track and each of its channels.

    Args:
        tracks: All sound tracks of a recording.
    """
    choices = [AUTOMATIC]
    for track in tracks:
        number = track.number if len(tracks) > 1 else None
        if number is not None:
            choices.append(SoundChoice(number))
        if track.channels > 1:
            choices += [SoundChoice(number, channel + 1) for channel in range(track.channels)]
    return choices


def find_analysis(store: Store, summary: AnalysisSummary, choice: SoundChoice) -> AnalysisSummary | None:
    """Find the analysis that differs from another one in the choice of the sound alone.

    Args:
        store: The store.
        summary: The other analysis.
        choice: Whose sound.

    Returns:
        The analysis; None where it is not there yet.
    """
    return store.analyses.find(
        session_id=summary.session_id,
        model_id=summary.model_id,
        settings=replace(Settings.from_dict(summary.settings), sound=choice),
        sidecar_digest=summary.sidecar_digest,
    )


def enqueue_with_sound(settings: AppSettings, store: Store, summary: AnalysisSummary, choice: SoundChoice) -> JobStatus:
    """Queue an analysis of the same frames and faces with another sound.

    Args:
        settings: The installation's settings.
        store: The store.
        summary: An analysis of the session.
        choice: Whose sound.

    Raises:
        NotFoundError: The session is gone.
    """
    earlier = Settings.from_dict(summary.settings)
    own = {**face_settings(earlier), **sound_settings(choice), "speech": earlier.speech, **speaker_settings(earlier)}
    return enqueue_analysis(settings, store, summary.session_id, own)


def enqueue_again(settings: AppSettings, store: Store, summary: AnalysisSummary) -> JobStatus:
    """Queue an analysis by the active model that keeps what a person chose: the sound, the subject's faces and voice.

    Where it was refused to tell who speaks, it is not told now.

    Args:
        settings: The installation's settings.
        store: The store.
        summary: An analysis of the session.

    Raises:
        NotFoundError: The session is gone.
    """
    earlier = Settings.from_dict(summary.settings)
    faces = face_settings(earlier) if keeps_faces(store, summary) else {}
    speech = {"speech": False} if summary.settings.get("speech") is False else {}
    own = {**faces, **sound_settings(earlier.sound), **speech, **speaker_settings(earlier)}
    return enqueue_analysis(settings, store, summary.session_id, own)


def has_chosen_faces(summary: AnalysisSummary) -> bool:
    """Return whether a person chose the subject's faces of an analysis."""
    settings = Settings.from_dict(summary.settings)
    return settings.track is not None or bool(settings.tracks)


def keeps_faces(store: Store, summary: AnalysisSummary) -> bool:
    """Return whether a choice of the subject's faces holds when the recording is analysed again.

    It names face tracks, which are the same again at the same sampling and by the same method. An analysis by another
    method is not found by its settings.

    Args:
        store: The store.
        summary: An analysis.
    """
    if not has_chosen_faces(summary):
        return False
    same = store.analyses.find(
        session_id=summary.session_id,
        model_id=summary.model_id,
        settings=Settings.from_dict(summary.settings),
        sidecar_digest=summary.sidecar_digest,
    )
    return same is not None and same.id == summary.id


def face_settings(settings: Settings) -> dict[str, Any]:
    """Return sampling, search for faces, rate of the mesh and the subject's face tracks as a job's own settings.

    What was analysed without the mesh, as by earlier versions, gets the installation's rate.

    Args:
        settings: The settings of an analysis.
    """
    rate = {"face_rate": settings.face_rate} if settings.face_rate else {}
    return {
        **rate,
        "fps": settings.sampling.fps,
        "key_frames": settings.sampling.key_frames,
        "search_each_frame": settings.search_each_frame,
        "track": settings.track,
        "tracks": list(settings.tracks),
    }


def sound_settings(choice: SoundChoice) -> Mapping[str, int]:
    """Return a choice as a job's own settings; empty where the program chooses."""
    numbers = {"sound_track": choice.track, "sound_channel": choice.channel}
    return {name: number for name, number in numbers.items() if number is not None}


def speaker_settings(settings: Settings) -> dict[str, Any]:
    """Return the speaker whom a person chose as the subject as a job's own settings; empty where nobody did.

    Args:
        settings: The settings of an analysis.
    """
    turns = [list(turn) for turn in settings.subject_turns]
    # Said outright: an installation that tells nobody who speaks would else refuse the choice.
    return {"speech": True, "subject_turns": turns} if turns else {}
