"""Facial behaviour second by second: the series that PHQ heads read, and its functionals."""
