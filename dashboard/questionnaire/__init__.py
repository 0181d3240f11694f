"""Pieces of the Questionnaire page."""
