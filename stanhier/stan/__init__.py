"""Running Stan's programs: one at a time or many side by side."""
