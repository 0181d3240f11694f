"""Who may log in, with what, and see whom."""
