"""The models that a PHQ head is selected from, and their intervals."""
