"""Recordings by the thousand: a table or a folder becomes jobs that wait for the time that nobody else needs."""
