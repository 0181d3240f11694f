"""Two people of one recording: how their movements, smiles and looks go together.

It reads the behaviour series of both (`fer_phq.behaviour`), which share the recording's clock, and no networks.
"""
