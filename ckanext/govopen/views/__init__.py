"""Pages: what they show comes from actions, what they may show is decided elsewhere."""
