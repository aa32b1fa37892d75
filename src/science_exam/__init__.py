"""Fine-tune language models to answer five-option science questions from retrieved text."""
