"""Messages of the views: what a model looked at cannot be shown."""

from __future__ import annotations

from fer_phq.core.messages import template

EXPLANATION_TIMEOUT = template(
    "views.explanation_timeout",
    "What the model looked at was not found within {seconds:g} s; try again later.",
)
EXPLANATION_BROKE_DOWN = template(
    "views.explanation_broke_down",
    "What the model looked at cannot be shown: its process broke down, perhaps for want of memory.",
)
MODEL_GONE = template(
    "views.model_gone",
    "The model {model_id} that made this analysis is not on this machine any more, so what it looked at cannot be "
    "shown; analyse the recording again.",
)
