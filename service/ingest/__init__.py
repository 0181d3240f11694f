"""Input: recordings, transcripts, session and questionnaire tables, and the store of media files."""
