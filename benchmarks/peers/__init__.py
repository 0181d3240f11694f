"""Peers of fer-phq: other packages that read faces or emotions, each in an environment of its own, beside ours."""
