"""The decoding child process: its protocol, its containers and its two backends."""
