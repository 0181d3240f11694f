"""Annotations as tables: BORIS's aggregated events, and BIDS's events with what its columns mean."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from fer_phq.annotations.tiers import Annotation, CodedRecording, Tier, one_line
from fer_phq.core.csv_input import without_formula

BORIS_COLUMNS = (
    *("Observation id", "Observation type", "Media duration (s)", "Subject", "Behavior", "Behavioral category"),
    *("Behavior type", "Start (s)", "Stop (s)", "Duration (s)", "Comment start"),
)
"""Those of BORIS's export "aggregated events" (https://www.boris.unito.it/user_guide/export_events/) that are known."""
BIDS_COLUMNS = ("onset", "duration", "trial_type", "value")
_DECIMALS = 3


def boris_csv(recording: CodedRecording) -> str:
    """Return a row for each annotation, as BORIS's aggregated events: the behaviour is the tier, the comment the label.

    Args:
        recording: The annotations.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(BORIS_COLUMNS)
    for tier, annotation in _in_order(recording):
        start, stop = round(annotation.start_s, _DECIMALS), round(annotation.end_s, _DECIMALS)
        words = [without_formula(one_line(text)) for text in (tier.name, tier.category, annotation.label)]
        kind = "POINT" if annotation.is_point else "STATE"
        times = (start, stop, round(stop - start, _DECIMALS))
        length = round(recording.duration_s, _DECIMALS)
        name = without_formula(one_line(recording.name))
        writer.writerow((name, "Media file", length, "", words[0], words[1], kind, *times, words[2]))
    return out.getvalue()


def bids_events(recording: CodedRecording) -> str:
    """Return BIDS's `_events.tsv` (https://bids-specification.readthedocs.io): a row for each annotation, by onset.

    Args:
        recording: The annotations.
    """
    lines = ["\t".join(BIDS_COLUMNS)]
    for tier, annotation in _in_order(recording):
        times = (f"{annotation.start_s:.3f}", f"{annotation.end_s - annotation.start_s:.3f}")
        words = [without_formula(one_line(text)) or "n/a" for text in (tier.name, annotation.label)]
        lines.append("\t".join((*times, *words)))
    return "\n".join(lines) + "\n"


def bids_sidecar(recording: CodedRecording) -> str:
    """Return the JSON that goes with `bids_events`: what the columns mean, and each tier.

    Args:
        recording: The annotations.
    """
    levels = {one_line(tier.name): one_line(tier.category or tier.name) for tier in recording.tiers}
    document = {
        "onset": {"Description": "When it begins, from the recording's start.", "Units": "s"},
        "duration": {"Description": "How long it lasts; 0 for a point.", "Units": "s"},
        "trial_type": {"Description": "What is annotated.", "Levels": levels},
        "value": {"Description": "What is annotated of it; n/a for nothing more."},
        "GeneratedBy": [{"Name": "fer-phq", "Description": one_line(recording.origin)}],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _in_order(recording: CodedRecording) -> Iterator[tuple[Tier, Annotation]]:
    pairs = [(annotation, tier.name, tier) for tier in recording.tiers for annotation in tier.annotations]
    for annotation, _, tier in sorted(pairs, key=lambda pair: pair[:2]):
        yield tier, annotation
