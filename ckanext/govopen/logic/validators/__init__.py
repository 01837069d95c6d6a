"""Validators of the dataset and organisation forms: each says what is wrong with a value."""
