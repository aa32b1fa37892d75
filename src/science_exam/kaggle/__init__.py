"""What the competition takes: submissions today."""
