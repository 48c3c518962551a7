"""What a fit says of its predictors: predictions, comparisons and slopes, averaged over rows or row by row."""
