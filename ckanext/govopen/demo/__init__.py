"""The demonstration catalogue: its data, the script that made it, and the loader."""
