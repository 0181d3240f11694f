"""Time series of a session: gaps, smoothing, downsampling, episodes."""
