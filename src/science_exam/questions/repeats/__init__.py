"""Questions that are asked twice: within a set, and between a set and those it is scored on."""
