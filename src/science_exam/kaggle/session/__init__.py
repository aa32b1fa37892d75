"""What runs inside the notebook: its stages, from the first valid submission to the last check."""
