"""The models of this host as an OpenAI-compatible service, for code that calls one itself."""
