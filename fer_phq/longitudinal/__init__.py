"""One person over sessions: reliable change and periods."""
