"""Emotion images: corpora, the images of a training stage, augmentation."""
