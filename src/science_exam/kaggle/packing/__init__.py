"""Runs, index and code -> a notebook, its metadata, and bundles to upload."""
