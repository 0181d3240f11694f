"""Views over many people: who needs attention, and the cohort."""
