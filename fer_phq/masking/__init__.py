"""Recordings that are handed on: faces covered, voices changed, nothing else of the file (`export.mask_recording`)."""
