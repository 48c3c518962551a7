"""Families of responses: what varies around the linear predictor. A family never sees a model."""
