"""Messages about how networks run."""

from __future__ import annotations

from fer_phq.core.messages import template

THREADS_UNUSABLE = template(
    "runtime.threads_unusable", "{name} is '{value}': it must be a whole number of threads, at least 1."
)
NETWORK_DAMAGED = template(
    "runtime.network_damaged", "The network in {path} cannot be used ({error}): install fer-phq again."
)
