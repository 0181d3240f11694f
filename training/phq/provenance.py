"""How simulated sessions are told from people's."""

SIMULATED = "simulated"
"""Kind of the embeddings that no model made."""
