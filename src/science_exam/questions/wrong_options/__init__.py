"""Hard wrong options: found among those of other questions, thinned, exchanged."""
