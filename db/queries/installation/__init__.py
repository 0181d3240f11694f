"""Queries of what holds for the whole installation: its settings and its encryption."""
