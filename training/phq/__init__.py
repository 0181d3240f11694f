"""PHQ heads from labelled sessions. `python -m training.phq MANIFEST --out DIR` trains one."""
