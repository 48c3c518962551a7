"""Formulas: from text to terms, read as a closed language."""
