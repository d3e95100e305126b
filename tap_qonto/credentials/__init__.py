"""Who asks: API keys, OAuth tokens, and where these are kept."""
