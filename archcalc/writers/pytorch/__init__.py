"""A network as a module of PyTorch."""
