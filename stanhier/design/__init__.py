"""Rows under a formula: what a model knows of its data, in memory or streamed."""
