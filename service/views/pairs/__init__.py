"""Views of two things side by side."""
