"""Analyses with their measures and feature series."""
