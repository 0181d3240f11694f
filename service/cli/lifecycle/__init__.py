"""Commands for the life of data: subjects, backup, restore, doctor."""
