"""The engine whose effects stay explicit: any family of responses, any number of factors, rows in memory."""
