"""Gaussian models with several grouping factors and slopes that vary; the largest factor is integrated out."""
