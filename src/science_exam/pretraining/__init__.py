"""Pretraining the small embedded base from the sample's articles alone."""
