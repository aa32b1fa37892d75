"""Fine-tuning a quantised base with LoRA to name the right option."""
