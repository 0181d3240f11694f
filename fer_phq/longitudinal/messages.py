"""The templates of `fer_phq.longitudinal`: why there is no personal baseline."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

NO_ESTIMATE = template("longitudinal.no_estimate", "There is no estimate yet to compare scores with.")
SIMULATED = template(
    "longitudinal.simulated",
    "There is no personal baseline of the estimates: they come from a head trained on simulated labels, so their "
    "distance from this person's scores means nothing.",
)
TWO_SCALES = template("longitudinal.two_scales", "The estimates are on two scales, which have no baseline in common.")
NO_PAIRS = template(
    "longitudinal.no_pairs",
    "A personal baseline of the estimates needs {minimum} sessions with a {scale} score within {days} days; there are "
    "none.",
)
FEW_PAIRS = counted(
    "longitudinal.few_pairs",
    "A personal baseline of the estimates needs {minimum} sessions with a {scale} score within {days} days; there is "
    "{n}.",
    "A personal baseline of the estimates needs {minimum} sessions with a {scale} score within {days} days; there are "
    "{n}.",
)
