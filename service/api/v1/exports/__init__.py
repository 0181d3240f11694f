"""What is taken away as a file: the tables of a cohort, and a session's report."""
