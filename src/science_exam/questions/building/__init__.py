"""Many sources -> one set: collected, checked, selected, completed, finished, and reported on."""
