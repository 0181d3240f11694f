"""Turns as a series that is stored, and as the tables and documents that leave the program."""

from __future__ import annotations
