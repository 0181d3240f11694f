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
    own: dict[str, Any] = {
        "fps": earlier.sampling.fps,
        "key_frames": earlier.sampling.key_frames,
        "track": earlier.track,
        "tracks": list(earlier.tracks),
        **sound_settings(choice),
    }
    return enqueue_analysis(settings, store, summary.session_id, own)


def sound_settings(choice: SoundChoice) -> Mapping[str, int]:
    """Return a choice as a job's own settings; empty where the program chooses."""
    numbers = {"sound_track": choice.track, "sound_channel": choice.channel}
    return {name: number for name, number in numbers.items() if number is not None}
