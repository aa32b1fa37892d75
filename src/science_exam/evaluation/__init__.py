"""Scoring: accuracy, MAP@k, their intervals, and the baselines every number stands beside."""
