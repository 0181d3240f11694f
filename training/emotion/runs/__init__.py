"""Files of a training run: its log and its state, from which it resumes."""
