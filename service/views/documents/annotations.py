"""What happens when in a session, as tiers for the programs in which people code."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from fer_phq.annotations.elan import eaf
from fer_phq.annotations.praat import textgrid
from fer_phq.annotations.tables import bids_events, bids_sidecar, boris_csv
from fer_phq.annotations.tiers import Annotation, CodedRecording, Tier
from fer_phq.speakers.files.series import subject_of, turns_of
from fer_phq.transcription.documents.coding import speaker_tiers
from service.views.session import AnalysisView, SessionView

UNNAMED = "transcript"
"""The tier of utterances whose speaker is not named."""


def session_annotations(view: SessionView) -> CodedRecording:
    """Return everything of a session that has a time: expressions, behaviour, turns, words, transcript and notes.

    Args:
        view: The session under review.
    """
    summary = view.analysis.summary
    tiers = (
        *_expressions(view.analysis),
        *_behaviour(view.analysis),
        *_turns(view.analysis),
        *_recognised(view.analysis),
        *_transcript(view),
        *_notes(view),
    )
    return CodedRecording(
        name=f"session-{view.session.id[:8]}",
        duration_s=view.session.duration_s,
        tiers=tuple(tiers),
        origin=f"fer-phq, analysis {summary.id} by model {summary.model_id}; transcript and notes by people",
    )


def bids_files(recording: CodedRecording) -> bytes:
    """Return BIDS's table of events with its sidecar, as a ZIP file.

    Args:
        recording: The annotations.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{recording.name}_events.tsv", bids_events(recording))
        archive.writestr(f"{recording.name}_events.json", bids_sidecar(recording))
    return out.getvalue()


DOCUMENTS: Mapping[str, tuple[str, str, Callable[[CodedRecording], str | bytes]]] = MappingProxyType(
    {
        "ELAN": ("eaf", "application/xml", eaf),
        "Praat": ("TextGrid", "text/plain", textgrid),
        "BORIS": ("boris.csv", "text/csv", boris_csv),
        "BIDS": ("bids.zip", "application/zip", bids_files),
    }
)
"""The programs and standards, each with its file's ending, its media type and what makes the document."""


def _expressions(analysis: AnalysisView) -> Iterator[Tier]:
    for emotion, rows in analysis.episodes.groupby("emotion", sort=False):
        annotations = _labelled(rows["onset_s"], rows["offset_s"], [f"peak {peak:.0%}" for peak in rows["peak"]])
        yield Tier(f"expression: {emotion!s}", annotations, "expression")


def _behaviour(analysis: AnalysisView) -> Iterator[Tier]:
    behaviour = analysis.behaviour
    if behaviour is None:
        return
    for kind, rows in behaviour.episodes.groupby("kind", sort=True):
        name = str(kind).replace("_", " ")
        annotations = _labelled(rows["onset_s"], rows["offset_s"], [name] * len(rows))
        yield Tier(f"behaviour: {name}", annotations, "behaviour")
    if behaviour.closures:
        closures = tuple(
            Annotation(closure.onset_s, closure.offset_s, "complete" if closure.complete else "incomplete")
            for closure in behaviour.closures
        )
        yield Tier("behaviour: eyes closed", closures, "behaviour")


def _turns(analysis: AnalysisView) -> Iterator[Tier]:
    if analysis.turns is None:
        return
    subject = subject_of(analysis.turns)
    turns = turns_of(analysis.turns)
    for speaker in sorted({turn.speaker for turn in turns}):
        role = " (subject)" if speaker == subject else ""
        annotations = tuple(Annotation(turn.start_s, turn.end_s, "speaks") for turn in turns if turn.speaker == speaker)
        yield Tier(f"speaker {speaker}{role}", annotations, "turns")


def _recognised(analysis: AnalysisView) -> Iterator[Tier]:
    if analysis.transcription is not None:
        for tier in speaker_tiers(analysis.transcription):
            yield Tier(f"recognised: {tier.name}", tier.annotations, "recognised words")


def _transcript(view: SessionView) -> Iterator[Tier]:
    transcript = view.transcript
    if transcript is None or transcript.problem is not None:
        return
    for speaker, rows in transcript.utterances.groupby("speaker", sort=False):
        annotations = _labelled(rows["start_s"], rows["end_s"], rows["text"])
        yield Tier(f"transcript: {speaker!s}" if speaker else UNNAMED, annotations, "transcript")


def _notes(view: SessionView) -> Iterator[Tier]:
    points = [note for note in view.notes if note.time_s is not None]
    for tag in sorted({note.tag or "" for note in points}):
        annotations = tuple(
            Annotation(note.time_s, note.time_s, note.words or tag)
            for note in points
            if note.time_s is not None and (note.tag or "") == tag
        )
        yield Tier(f"note: {tag}" if tag else "note", annotations, "notes")


def _labelled(starts: Iterable[float], ends: Iterable[float], labels: Iterable[str]) -> tuple[Annotation, ...]:
    rows = zip(starts, ends, labels, strict=True)
    return tuple(Annotation(float(start_s), float(end_s), label) for start_s, end_s, label in rows)
