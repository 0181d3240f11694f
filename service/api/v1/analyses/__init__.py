"""What an analysis holds: its summary, its timeline, its feature series."""
