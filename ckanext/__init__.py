"""Shared with CKAN and its other extensions; not part of the installed package (theirs is)."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
