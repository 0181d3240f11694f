"""Transcripts: their formats (captions, tables), and the utterances read from them."""
