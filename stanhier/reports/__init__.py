"""Models and fits to read: equations, pieces of HTML, whole reports."""
