"""The textbook programs: models as a person would write them in Stan, to be read, and an engine that samples these."""
