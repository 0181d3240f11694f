"""Emotion models: recipes, the training loop, evaluation, bundles. `python -m training.emotion RECIPE` trains one."""
