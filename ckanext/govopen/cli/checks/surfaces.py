"""Routes and actions that the inventory does not list: other plugins' and newer versions' ones."""

from __future__ import annotations

from collections.abc import Iterable

from ckan import logic
from flask import current_app

from ckanext.govopen.access.inventory import Inventory, inventory
from ckanext.govopen.cli.checks.finding import Finding, warning

TODO = (
    "Outsiders get 404 for them. Read what they let out, then list them in access/surfaces.yaml,"
    " or leave them closed."
)


def unlisted_routes(endpoints: Iterable[str], known: Inventory) -> list[str]:
    """Endpoints without a row; static files need none."""
    return sorted(
        {
            endpoint
            for endpoint in endpoints
            if known.route(endpoint) is None
            and endpoint != "static"
            and not endpoint.endswith(".static")
        }
    )


def unlisted_actions(names: Iterable[str], known: Inventory) -> list[str]:
    """Actions without a row."""
    return sorted({name for name in names if known.action(name) is None})


def check() -> list[Finding]:
    """All findings of this area."""
    # The registry is filled at the first call.
    logic.get_action("package_show")
    endpoints = [str(rule.endpoint) for rule in current_app.url_map.iter_rules()]
    found = []
    for kind, names in (
        ("routes", unlisted_routes(endpoints, inventory())),
        ("actions", unlisted_actions(logic._actions, inventory())),
    ):
        if names:
            found.append(
                warning(
                    f"unlisted-{kind}",
                    f"{len(names)} {kind} are not in the inventory: {', '.join(names)}.",
                    TODO,
                )
            )
    return found
