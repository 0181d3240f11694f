"""The cards of the Trends page, each a module."""
