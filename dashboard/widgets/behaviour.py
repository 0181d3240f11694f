"""What is said of facial behaviour, on pages and in reports alike."""

from __future__ import annotations

from dashboard.i18n import _, mark, render
from db.records import AnalysisSummary
from fer_phq.features.measures import Basis
from service.views.session import SessionView

REASONS = ("pipeline.no_behaviour", "pipeline.no_behaviour_of_key_frames", "pipeline.behaviour_of_other_faces")
"""Codes of the warnings that say why an analysis has no facial behaviour."""
EARLIER = mark("An earlier version made this analysis, and did not follow the face mesh.")
AGAIN = mark(
    "Where the recording is still kept, “Analyse again” at the end of the page measures head pose, blinks and smiles."
)
NO_FACE = mark("The face mesh was followed, and in no frame was the subject's head pose known.")
STEADY_S = 180.0
"""Seconds from which numbers a minute are more than chance (Zaman & Doughty 1997)."""
SHORT = mark("The recording is shorter than three minutes: numbers a minute are largely chance.")
NO_EPISODES = mark("No stillness, smile or look down or away was long enough to be listed.")
MEANING = mark(
    "A head is still while it turns by less than a degree each half second, for two seconds and more. A smile is one "
    "of the mouth's corners against the person's own face at rest, for half a second and more. Down and away are "
    "twenty degrees and more from where the person usually looks, for a second and more. ≥ stands before what may have "
    "lasted longer than it was seen. A grimace can read as a smile, and none of them says what the person feels."
)


def why_not_followed(summary: AnalysisSummary) -> str:
    """Say why an analysis has no facial behaviour.

    Args:
        summary: The analysis.
    """
    return " ".join([render(warning) for warning in summary.warnings if warning.code in REASONS] or [_(EARLIER)])


def how_to_follow(summary: AnalysisSummary) -> str:
    """Say why an analysis has no facial behaviour, and how to get it on the page.

    Args:
        summary: The analysis.
    """
    return f"{why_not_followed(summary)} {_(AGAIN)}"


def missing_sentences(view: SessionView, basis: Basis | None = None) -> list[str]:
    """Say which measures are missing, a sentence for each reason.

    Args:
        view: The session under review.
        basis: What the measures are computed from; None for all that have a reason.
    """
    titles: dict[str, list[str]] = {}
    for measure, reason in view.missing_measures:
        if basis not in (None, measure.modality):
            continue
        titles.setdefault(render(reason), []).append(_(measure.title))
    template = _("Not measured: {titles}. {reason}")
    return [template.format(titles=", ".join(names), reason=reason) for reason, names in titles.items()]
