"""Encryption of a SQLite file as a whole."""
