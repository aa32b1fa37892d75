"""Dumps and text files -> articles -> passages."""
