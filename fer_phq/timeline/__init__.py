"""A session over time: gaps, smoothing, downsampling, episodes."""
