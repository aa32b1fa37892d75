"""Answering: constrained decoding over the options, and the ranking of all five."""
