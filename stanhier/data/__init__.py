"""The user's values, wherever they are: frames, kinds of columns, codes of groups, sources of rows."""
