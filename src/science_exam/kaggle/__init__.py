"""Kernels for the competition: packed, run inside their session, simulated, uploaded, and submitted."""
