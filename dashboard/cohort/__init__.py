"""The cards of the Cohort page, each a module."""
