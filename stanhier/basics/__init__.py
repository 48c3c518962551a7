"""What everything else stands on: errors, limits of numbers, threads."""
