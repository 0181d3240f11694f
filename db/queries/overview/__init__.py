"""Reading across sessions: trends, cohorts, triage, model pairs, labelled sessions."""
