"""Draws with labels and a verdict, and what follows from them."""
