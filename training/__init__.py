"""Training: corpora, recipes (one YAML each), the training loop, evaluation, the simulated cohort."""
