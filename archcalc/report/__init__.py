"""Output formats: results as tables and texts for people, and as records for programs."""
