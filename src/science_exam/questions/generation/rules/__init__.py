"""Questions from patterns in the text, without any model."""
