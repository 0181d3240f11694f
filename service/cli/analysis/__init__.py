"""Commands that analyse recordings: now, by the workers, once more, or of another face."""
