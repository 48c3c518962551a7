"""Several fits at once: many models, and the three kinds of pooling."""
