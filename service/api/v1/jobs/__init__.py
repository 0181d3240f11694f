"""Analyses as they run: `/v1/jobs`, and asking for one."""
