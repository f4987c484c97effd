"""What is wrong with a configuration directory? All of it at once, without AWS."""
