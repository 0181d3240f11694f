"""Emotion models: recipes, training, evaluation and bundles. `python -m training.emotion RECIPE` trains a model."""
