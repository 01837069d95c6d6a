"""Thin on purpose: everything about the package stands in pyproject.toml.

Only the extractors of translatable strings cannot be declared there.
"""

from setuptools import setup

setup(
    message_extractors={
        "ckanext": [
            ("**.py", "python", None),
            ("**.js", "javascript", None),
            ("**/templates/**.html", "ckan", None),
        ],
    }
)
