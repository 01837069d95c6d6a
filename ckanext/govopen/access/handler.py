"""Shapes shared by everything that takes part in an action's chain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Action = Callable[[Any, "dict[str, Any]"], Any]
#: Takes the next action of the chain, the context and the data.
Handler = Callable[[Action, Any, "dict[str, Any]"], Any]
