"""Pieces of the New session page."""
