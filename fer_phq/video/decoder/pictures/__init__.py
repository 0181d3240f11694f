"""The pictures of a recording: which are decoded, decoding them, and how they become frames."""
