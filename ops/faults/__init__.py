"""What is wrong with a configuration directory, and where."""
