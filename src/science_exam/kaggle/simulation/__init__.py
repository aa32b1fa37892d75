"""A notebook run as the competition runs it."""
