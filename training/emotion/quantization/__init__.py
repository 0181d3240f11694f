"""Bring a bundle's network to 8-bit integers: `python -m training.emotion.quantization BUNDLE [--root DATA]`.

The ranges of activations are measured on training images of the bundle's own recipe. The network is then compared with
itself in 32-bit floats on the recipe's validation part, and stays as it was where it loses more than `MOST_LOST`.

Embeddings are of another `face_kind` afterwards, and the bundle has another id. PHQ heads on faces that were trained
on the embeddings before refuse these, and must be trained again.
"""
