"""Translations: one fragment per room, compiled into the catalogues that CKAN reads."""
