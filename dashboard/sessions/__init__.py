"""Sessions that end: at an age, when idle, at logout."""
