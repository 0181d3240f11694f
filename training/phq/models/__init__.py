"""The models that a PHQ head is chosen from, and their intervals."""
