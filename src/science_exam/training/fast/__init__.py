"""QLoRA training without waste: packed rows, gradients written out by hand, steps as CUDA graphs."""
