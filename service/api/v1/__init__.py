"""The first version of the HTTP API for programs."""
