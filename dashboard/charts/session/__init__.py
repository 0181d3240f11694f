"""Charts of one session, which share a time axis."""
