"""How good a fit is, and whether the sampler is right."""
