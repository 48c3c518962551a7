"""What a model can be told to be wrong by: one file for each kind of evidence."""
