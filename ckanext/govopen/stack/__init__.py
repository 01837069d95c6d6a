"""Embedded services and the launcher: standard library only, imports nothing of the rest."""
