"""What every route shares: bodies, problems, the OpenAPI document."""
