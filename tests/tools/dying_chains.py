"""Chains that die as they are told to."""

SHORT = {"seed": 3, "iter_warmup": 200, "iter_sampling": 200, "show_progress": False}
