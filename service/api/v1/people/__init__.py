"""A person as a whole."""
