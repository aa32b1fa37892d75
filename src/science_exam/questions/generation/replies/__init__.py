"""What a model wrote -> a question: forms are recognised, slips mended, answers never guessed."""
