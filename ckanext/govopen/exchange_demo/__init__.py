"""A small exchange catalogue over HTTP, for trying out and for tests: it serves the demonstration's
catalogue with changes from day to day, and can be told to misbehave.
"""
