"""What a person may see: which sessions, and whether names or pseudonyms."""
