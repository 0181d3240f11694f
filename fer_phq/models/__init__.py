"""Checkpoint bundles: backbone, emotion head, PHQ heads, explanation, export."""
