"""What is said in a session, as everybody who stores or shows it knows it."""

from __future__ import annotations
