"""The rules are tested alone, without the fixtures of the services."""

from ckanext.govopen.tests import examples

examples.choose()
