"""Question files of many kinds -> the questions table, its contexts and its folds."""
