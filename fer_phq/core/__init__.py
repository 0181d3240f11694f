"""The vocabulary: arrays, emotions, PHQ, errors, analyses, feature series, sidecars, CSV input."""
