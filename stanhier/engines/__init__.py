"""From a regression to the data of a program, and back from its draws."""
