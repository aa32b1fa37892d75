"""Bundles, notebook and submission at Kaggle, through its official client."""
