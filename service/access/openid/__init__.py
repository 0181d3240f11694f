"""Logging in with a provider of identities: OpenID Connect's authorization code flow, with PKCE."""
