"""The life of a person's data: erasure, export, merging, backup and the installation's health."""
