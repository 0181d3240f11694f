"""Talks of several voices whose turns are known exactly, in quiet and in bad sound, and how wrong an answer is."""
