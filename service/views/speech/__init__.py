"""Who speaks in a session, and how, as pages show it."""

from __future__ import annotations
