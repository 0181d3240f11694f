"""The cards of the Models page, each a module."""
