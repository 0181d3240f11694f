"""Facial behaviour of simulated subjects: second by second with its links to severity, and frame by frame."""
