"""A server that speaks OpenAI's chat completions, asked many questions at a time and none twice."""
