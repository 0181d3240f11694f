"""The cards of the Home page, each a module."""
