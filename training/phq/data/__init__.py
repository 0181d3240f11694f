"""Labelled sessions: manifests, corpora, features, and the tables that models are fitted on."""
