"""Passages -> questions: by rules, by a local model, or by a server."""
