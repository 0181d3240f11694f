"""The face beside its expression: facial behaviour over a session, and the mesh of one frame."""
