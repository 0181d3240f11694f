"""The networks in PyTorch: what models are made, trained, exported and explained with. A recording needs none of it."""
