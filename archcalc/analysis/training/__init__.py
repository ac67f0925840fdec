"""What a training step costs: the gradients that are needed, the tensors that are kept for them, the worst moment."""
