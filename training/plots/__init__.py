"""Diagrams and tables of reports."""
