"""What comes in: recordings, transcripts, session and questionnaire tables, and where media lie."""
