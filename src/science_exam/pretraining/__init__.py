"""Pretraining the small embedded base: from articles, reading tasks and questions."""
