"""Pictures: `POST /v1/predict`."""
