"""A model as a coder: the expressions and the behaviour of an analysis, as `fer-phq analyze --json` prints it.

Expressions are the episodes that the pages show (`timeline.episodes`): each emotion but neutral is a code. Where the
analysis followed the face, smiles, still heads and looks away or down are codes of a second group. What lies outside of
the frames with a face is a gap: the model could code nothing there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_phq.agreement import messages
from fer_phq.annotations.readers.boris_project import parse_json
from fer_phq.annotations.readers.files import AnnotationFile, UnusableFile, check_length, check_tiers
from fer_phq.annotations.readers.reading import file_bytes, parse_annotations, read_file
from fer_phq.annotations.tiers import Annotation, Tier
from fer_phq.core.emotions import EMOTIONS
from fer_phq.timeline.episodes import EXPRESSIONS, find_episodes

MODEL = "fer-phq"
EXPRESSION = "expression"
BEHAVIOR = "behaviour"
BEHAVIORS = {
    "smile": "smile_share",
    "still": "still_share",
    "looking_down": "looking_down_share",
    "looking_away": "looking_away_share",
}
"""What a behaviour series has episodes of, and the measure that says how much of the time: missing where not seen."""
_EDGE_S = 1e-6

Float = npt.NDArray[np.float64]


def read_coder(path: Path, *, observation: str | None = None, duration_s: float | None = None) -> AnnotationFile:
    """Read what a coder noted, or a model: an annotation file, or an analysis as JSON.

    Args:
        path: The file.
        observation: Which observation of several in a file of BORIS.
        duration_s: The recording's length in seconds, where it is known.

    Raises:
        FerPhqError: As `annotations.readers.read_annotations`, or the analysis is damaged.
    """

    def parse(file: Path) -> AnnotationFile:
        document = file_bytes(file)
        analysis = _analysis(document)
        if analysis is None:
            return parse_annotations(document, observation=observation, duration_s=duration_s)
        coded = analysis_tiers(analysis)
        check_length(coded.duration_s, duration_s)
        check_tiers(coded.tiers, coded.duration_s)
        return coded

    return read_file(path, parse)


def _analysis(document: bytes) -> Any | None:
    """Return the analysis that a document is; None where it is none."""
    if not document.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    try:
        parsed = parse_json(document.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return None
    return parsed if isinstance(parsed, dict) and {"recording", "timeline"} <= parsed.keys() else None


def analysis_tiers(document: Any) -> AnnotationFile:
    """Return an analysis as annotations.

    Args:
        document: As `pipeline.document.analysis_document` makes it.

    Raises:
        UnusableFile: A part of it is missing or is none.
    """
    try:
        duration_s = float(document["recording"]["duration_s"])
        rows = document["timeline"]
        times = np.array([row["time_s"] for row in rows], np.float64)
        durations = np.array([row["duration_s"] for row in rows], np.float64)
        emotions = np.array([_probabilities(row["emotions"]) for row in rows], np.float64).reshape(-1, len(EMOTIONS))
        if not _is_clock(times, durations, duration_s):
            raise UnusableFile(messages.DAMAGED_ANALYSIS())
        episodes = find_episodes(times, emotions, duration_s=durations)
        behaviour = document.get("behaviour")
        behaviours = [] if behaviour is None else _behaviours(behaviour["episodes"], behaviour["measures"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise UnusableFile(messages.DAMAGED_ANALYSIS()) from None
    expressions = [
        Tier(
            emotion,
            tuple(Annotation(item.onset_s, item.offset_s, "") for item in episodes if item.emotion == emotion),
            EXPRESSION,
        )
        for emotion in EXPRESSIONS
    ]
    gaps = _gaps(times, durations, np.asarray(np.isfinite(emotions).all(1)), duration_s)
    return AnnotationFile(MODEL, (*expressions, *behaviours), True, duration_s=duration_s, gaps=gaps)


def _is_clock(times: Float, durations: Float, duration_s: float) -> bool:
    """Tell whether times are numbers that go on."""
    is_finite = np.isfinite(times).all() and np.isfinite(durations).all() and np.isfinite(duration_s)
    return bool(is_finite and (np.diff(times) >= 0).all() and (durations >= 0).all())


def _probabilities(emotions: Mapping[str, float] | None) -> list[float]:
    return [np.nan] * len(EMOTIONS) if emotions is None else [float(emotions[name]) for name in EMOTIONS]


def _behaviours(episodes: Sequence[Mapping[str, Any]], measures: Mapping[str, float | None]) -> list[Tier]:
    """Return a tier for each behaviour that was looked for."""
    return [
        Tier(
            kind.replace("_", " "),
            tuple(
                Annotation(float(row["onset_s"]), float(row["offset_s"]), "") for row in episodes if row["kind"] == kind
            ),
            BEHAVIOR,
        )
        for kind, share in BEHAVIORS.items()
        if measures.get(share) is not None
    ]


def _gaps(
    times: npt.NDArray[np.float64],
    durations: npt.NDArray[np.float64],
    is_seen: npt.NDArray[np.bool_],
    duration_s: float,
) -> tuple[tuple[float, float], ...]:
    """Return what lies outside of the frames with a face, within the recording."""
    gaps = []
    end_s = 0.0
    for start_s, stop_s in zip(times[is_seen].tolist(), (times + durations)[is_seen].tolist(), strict=True):
        if start_s > end_s + _EDGE_S:
            gaps.append((end_s, start_s))
        end_s = max(end_s, stop_s)
    return (*gaps, *([(end_s, duration_s)] if duration_s > end_s + _EDGE_S else []))
