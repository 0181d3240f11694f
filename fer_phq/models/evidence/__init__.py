"""Evidence for and against a PHQ head beyond its errors: controls, the gap to held-out people, where intervals hold."""
