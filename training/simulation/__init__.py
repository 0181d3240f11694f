"""The simulated cohort: people, their expressions, speech, recordings, and the demonstration heads."""
