"""A language model on this machine, held to the form that is asked for."""
