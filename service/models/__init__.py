"""Models of an installation: which is active, scoring stored analyses again, training heads from the store."""
