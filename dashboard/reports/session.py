"""What a session's report says: the review on paper, with where every number came from and what it is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

import pandas as pd

from dashboard import ui
from dashboard.charts import clock
from dashboard.data import bars
from dashboard.estimate import band_words, spoken
from dashboard.reports.blocks import Block, Chart, Facts, Heading, Report, Rows, Words
from dashboard.reports.figures import estimate_figure, shares_figure, timeline_figure
from db.records import AnalysisRecord, AnalysisSummary, NoteRecord, SessionDetail
from fer_phq import __version__
from fer_phq.phq import PhqEstimate, Provenance

LIMITS = (
    ui.NOT_A_DIAGNOSIS,
    "Emotion shares are the mean of a model's frame-by-frame probabilities for seven expressions. A PHQ score comes "
    "from a questionnaire that a person filled in; a PHQ estimate comes from a model and holds only with its interval.",
    "In the European Union, inferring emotions of people in the workplace or in education is prohibited (Regulation "
    "(EU) 2024/1689, Article 5(1)(f)); where it is allowed, people must be told (Article 50(3)).",
)
"""What stands at the end of every report."""

DEMONSTRATION = "A demonstration: the recording is staged and everything said of the person is made up."


def session_report(
    detail: SessionDetail,
    record: AnalysisRecord,
    frames: pd.DataFrame,
    notes: Sequence[NoteRecord],
    zone: tzinfo,
    now: datetime,
) -> Report:
    """The report of one analysis of a session. `frames`: as `dashboard.data.frames`; times are shown in `zone`."""
    session, found = detail.session, record.summary
    lead = f"Session of {moment(session.recorded_at, zone)}, {clock(session.duration_s)} min"
    blocks: list[Block] = []
    if session.is_demo:
        blocks.append(Words(DEMONSTRATION, "warning"))
    blocks += [Words(words, "warning") for words in found.warnings]
    blocks += [Heading("PHQ estimate"), *estimate_blocks(found)]
    blocks += [Heading("Emotions"), *_emotion_blocks(found, frames)]
    if notes:
        blocks += [Heading("Notes"), _notes(notes)]
    blocks += [Heading("Where the numbers come from"), Facts(_origin(detail, record, zone))]
    blocks += [Heading("Limits"), *(Words(words) for words in LIMITS)]
    return Report(detail.subject.label, lead, made(zone, now), tuple(blocks))


def estimate_blocks(found: AnalysisSummary) -> list[Block]:
    """The estimate with its interval, provenance and meaning, or why there is none."""
    estimate = found.phq
    if not isinstance(estimate, PhqEstimate):
        return [Words(f"No estimate. {ui.sentence(estimate.text)}")]
    simulated = estimate.provenance is Provenance.SIMULATED
    return [
        Facts(
            (
                ("Estimate", f"{estimate.score:.1f} on the {estimate.scale} (0 to {estimate.scale.maximum})"),
                (f"{estimate.level:.0%} interval", f"{estimate.low:.1f} to {estimate.high:.1f}"),
                ("Provenance", "Simulated labels" if simulated else "Clinical labels"),
                ("From", f"the {spoken(estimate.modalities)}"),
            )
        ),
        Chart(
            estimate_figure(estimate),
            f"The estimate {estimate.score:.1f} with its interval from {estimate.low:.1f} to {estimate.high:.1f}",
        ),
        Words(ui.SIMULATED_SENTENCE, "warning")
        if simulated
        else Words(f"{band_words(estimate)} A model's estimate is not a diagnosis."),
    ]


def _emotion_blocks(found: AnalysisSummary, frames: pd.DataFrame) -> list[Block]:
    if found.emotions is None or not len(frames):
        return [Words("The subject's face was not found in any sampled frame of this recording.")]
    shares = ", ".join(f"{name} {share:.0%}" for name, share in found.emotions.items())
    return [
        Facts(
            (
                ("Coverage", ui.percent(found.coverage)),
                ("Frames with the face", f"{found.frames_with_face} of {found.frames_sampled}"),
                ("Most seen", (found.dominant_emotion or "").capitalize()),
            )
        ),
        Chart(timeline_figure(frames), "Emotion probabilities over the recording, above where the face was found"),
        Chart(shares_figure(bars(dict(found.emotions))), f"Mean emotion probabilities: {shares}"),
    ]


def _notes(notes: Sequence[NoteRecord]) -> Rows:
    return Rows(
        ("At", "Tag", "Note"),
        tuple(("" if n.time_s is None else clock(n.time_s), n.tag or "", n.words) for n in notes),
    )


def _origin(detail: SessionDetail, record: AnalysisRecord, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    session, found = detail.session, record.summary
    given = session.consent
    sampling = "key frames" if found.sampling.key_frames else f"{found.sampling.fps:g} frames/s"
    return (
        ("Recording", f"{session.original_name}, {session.width} × {session.height}, {session.codec}"),
        ("SHA-256", session.media_sha256),
        ("Consent", f"{moment(given.at, zone)}, recorded by {given.by}" if given else "none recorded"),
        ("Model", found.model_id),
        ("Sampling", sampling),
        ("Analysed", moment(found.created_at, zone)),
        ("Analysis", found.id),
        ("People in view", str(len(record.tracks))),
    )


def moment(at: datetime, zone: tzinfo) -> str:
    """A date and time of a zone, such as '3 Nov 2026, 14:05'."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def made(zone: tzinfo, now: datetime) -> str:
    """When and by what a report was made."""
    return f"fer-phq {__version__}, {moment(now, zone)}. Not a diagnosis."
