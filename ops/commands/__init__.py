"""The commands of credvend-admin: what is written, read and printed. What they do is done elsewhere."""
