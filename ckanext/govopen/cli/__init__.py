"""``ckan govopen …``: each module with a ``command`` is one sub-command."""
