"""Confinement of the decoder process: what it may still ask of the system once a recording is about to be opened."""
