"""The HTTP server: OpenAI's speech API and what it lacks."""
