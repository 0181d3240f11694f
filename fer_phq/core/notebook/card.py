"""An analysis in two lines, and as a card of HTML."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_phq.core import texts
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.notebook.chart import EMOTION_COLOURS
from fer_phq.core.paths import printable
from fer_phq.core.phq import PhqEstimate, PhqResult, Provenance

if TYPE_CHECKING:
    from fer_phq.core.analysis import SessionAnalysis

LEADING = 3
"""Emotions that are named, the most probable first."""


def describe_analysis(analysis: SessionAnalysis) -> str:
    """Describe an analysis in two lines: the recording and the face, then the estimate and what it is worth.

    Args:
        analysis: The analysis.
    """
    emotions = ", ".join(f"{name} {share:.0%}" for name, share in _leading(analysis)) or "no face"
    name = printable(Path(analysis.recording.path).name)
    facts = f"{name}, {analysis.recording.duration_s:.1f} s, face seen in {analysis.coverage:.0%}: {emotions}"
    return f"<SessionAnalysis {facts};\n {describe_estimate(analysis.phq)}>"


def describe_estimate(phq: PhqResult) -> str:
    """Describe an estimate with its interval and provenance, or why there is none.

    Args:
        phq: The estimate or the reason.
    """
    if not isinstance(phq, PhqEstimate):
        return f"no PHQ estimate: {phq.message}"
    interval = f"{phq.level:.0%} interval {phq.low:.1f} to {phq.high:.1f}"
    text = f"{phq.scale} estimate {phq.score:.1f}, {interval}, from {', '.join(phq.modalities)}"
    if phq.provenance is Provenance.SIMULATED:
        return f"{text}; simulated: a demonstration that says nothing about this person"
    return f"{text}; {phq.provenance} labels, not a diagnosis"


def analysis_card(analysis: SessionAnalysis) -> str:
    """Return a card of HTML, which takes the notebook's own colours of text and background.

    Args:
        analysis: The analysis.
    """
    info = analysis.recording
    bars = "".join(_bar(name, share) for name, share in _leading(analysis))
    rows = {
        "Recording": escape(f"{info.duration_s:.1f} s, {info.width} x {info.height}, {info.codec}"),
        "Face seen in": f"{analysis.coverage:.0%} of the recording ({len(analysis.timeline)} sampled frames)",
        "Emotions": bars or "no face was seen",
        "Behaviour": _behaviour(analysis),
        "PHQ": escape(describe_estimate(analysis.phq)),
        "Model": escape(analysis.model_id),
        **(
            {"Warnings": "<br>".join(escape(str(warning)) for warning in analysis.warnings)}
            if analysis.warnings
            else {}
        ),
    }
    cells = "".join(
        f'<tr><th style="text-align:left;vertical-align:top;padding:2px 12px 2px 0;white-space:nowrap">{name}</th>'
        f'<td style="text-align:left;padding:2px 0">{value}</td></tr>'
        for name, value in rows.items()
    )
    return (
        '<div style="border:1px solid #7F9199;border-radius:6px;padding:10px 14px;max-width:44em">'
        f"<strong>{escape(printable(Path(info.path).name))}</strong><table>{cells}</table>"
        f"<small>{escape(str(texts.NOT_A_DIAGNOSIS()))}</small></div>"
    )


def _leading(analysis: SessionAnalysis) -> list[tuple[str, float]]:
    mean = analysis.emotion_distribution
    if mean is None:
        return []
    ranked = sorted(zip(EMOTIONS, map(float, mean), strict=True), key=lambda pair: -pair[1])
    return ranked[:LEADING]


def _behaviour(analysis: SessionAnalysis) -> str:
    series = analysis.behaviour
    if series is None:
        return "not measured"
    followed = int(np.isfinite(series.values).any(axis=1).sum())
    return f"the face was followed in {followed} of {len(series)} frames"


def _bar(name: str, share: float) -> str:
    colour = EMOTION_COLOURS[EMOTIONS.index(name)]
    bar = f'<span style="display:inline-block;height:.7em;width:{6 * share:.2f}em;background:{colour}"></span>'
    return f"<div>{bar} {name} {share:.0%}</div>"
