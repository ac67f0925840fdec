"""Results for people and programs. This room knows tables and texts, and nothing of networks."""
