"""The Gaussian engine: rows to sufficient statistics, group effects integrated out."""
