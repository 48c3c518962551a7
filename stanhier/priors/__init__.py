"""Distributions as small frozen objects, and their numbers as Stan takes them."""
