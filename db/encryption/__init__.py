"""Encryption of what rows hold: the state of an installation, and the types of columns that are encrypted."""
