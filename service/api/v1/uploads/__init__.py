"""Recordings that come in: resumable uploads (tus 1.0), and files of the server's folder."""
