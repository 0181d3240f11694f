"""What an annotation file holds, and the checks that every format shares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fer_phq.annotations import messages
from fer_phq.annotations.tiers import Tier
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message

MAX_S = 24 * 3600.0
"""Latest time of an annotation, in seconds: what lies beyond are milliseconds."""
END_TOLERANCE_S = 0.5
"""Seconds by which an annotation may end after its recording: players and containers differ by a few frames."""
LENGTH_TOLERANCE_S = 1.0
LENGTH_TOLERANCE = 0.01
"""Lengths of one recording differ by at most so many seconds, or by this share: picture and sound end apart."""
_MILLI = 1000.0


class UnusableFile(FerPhqError):
    """A file cannot be used; its message is the reason, without the file's name."""


@dataclass(frozen=True)
class AnnotationFile:
    """The annotations of a file.

    Attributes:
        format: The program whose format it is, such as "ELAN".
        tiers: Its tiers, each with a name of its own, in the file's order. BORIS has one for each behaviour, and where
            subjects are named, one for each of "subject: behaviour".
        codes_by_tier: Whether the tiers' names are the codes and labels are remarks, as BORIS has it. If not, a tier's
            labels may be its codes.
        lists_codes: Whether tiers without annotations are there, too; BORIS's tables have only what occurs.
        duration_s: The recording's length in seconds, as the file has it; None where it says nothing of it.
        gaps: (start, end) in seconds where nothing could be coded, because the face was not seen.
        warnings: What was assumed.
    """

    format: str
    tiers: tuple[Tier, ...]
    codes_by_tier: bool = False
    lists_codes: bool = True
    duration_s: float | None = None
    gaps: tuple[tuple[float, float], ...] = ()
    warnings: tuple[Message, ...] = ()


@dataclass(frozen=True, eq=False)
class SeriesFile:
    """Measurements of a face over time that another program made.

    Attributes:
        format: "OpenFace" or "py-feat".
        series: A row a frame; NaN where the face was not followed. Its columns have the file's names.
        warnings: What was left out.
    """

    format: str
    series: FeatureSeries
    warnings: tuple[Message, ...] = ()


def check_tiers(tiers: Iterable[Tier], duration_s: float | None) -> None:
    """Check that every time is possible.

    Args:
        tiers: The tiers.
        duration_s: The recording's length in seconds; None where it is not known.

    Raises:
        UnusableFile: A time is negative, beyond a day or beyond the recording, or an end lies before its start.
    """
    for tier in tiers:
        for annotation in tier.annotations:
            if annotation.start_s < 0:
                raise UnusableFile(messages.NEGATIVE(code=tier.name, time_s=annotation.start_s))
            if annotation.end_s < annotation.start_s:
                times = {"start_s": annotation.start_s, "end_s": annotation.end_s}
                raise UnusableFile(messages.END_BEFORE_START(code=tier.name, **times))
    ends = [(annotation.end_s, tier.name) for tier in tiers for annotation in tier.annotations]
    if ends:
        check_end(*max(ends), duration_s)


def check_end(end_s: float, code: str, duration_s: float | None) -> None:
    """Check the last time of a file.

    Args:
        end_s: In seconds.
        code: What is there.
        duration_s: The recording's length in seconds; None where it is not known.

    Raises:
        UnusableFile: It lies beyond a day or beyond the recording.
    """
    if duration_s is not None and end_s > duration_s + END_TOLERANCE_S:
        looks_like_ms = end_s > 10 * duration_s and end_s <= _MILLI * (duration_s + END_TOLERANCE_S)
        late = messages.BEYOND_END_MILLISECONDS if looks_like_ms else messages.BEYOND_END
        raise UnusableFile(late(code=code, time_s=end_s, duration_s=duration_s))
    if end_s > MAX_S:
        raise UnusableFile(messages.BEYOND_DAY(code=code, time_s=end_s))


def is_same_length(left_s: float, right_s: float) -> bool:
    """Tell whether two lengths can be of one recording.

    Args:
        left_s: In seconds.
        right_s: In seconds.
    """
    return abs(left_s - right_s) <= max(LENGTH_TOLERANCE_S, LENGTH_TOLERANCE * max(left_s, right_s))


def check_length(own_s: float | None, duration_s: float | None) -> None:
    """Check that a file is of a recording.

    Args:
        own_s: The recording's length in seconds, as the file has it.
        duration_s: The recording's length in seconds.

    Raises:
        UnusableFile: The two differ by more than a second and by more than one per cent.
    """
    if own_s is not None and duration_s is not None and not is_same_length(own_s, duration_s):
        raise UnusableFile(messages.OTHER_LENGTH(own_s=own_s, duration_s=duration_s))
