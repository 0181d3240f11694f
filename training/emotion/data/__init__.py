"""Emotion images: corpora, a stage's faces, augmentation."""
