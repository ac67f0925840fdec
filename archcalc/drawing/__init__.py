"""Diagrams of networks: what is drawn, and where. It knows nothing about the formats of pictures."""
