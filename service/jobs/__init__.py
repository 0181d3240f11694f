"""Durable jobs: the queue as a person sees it, and the worker that runs it."""
