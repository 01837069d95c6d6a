"""Alembic's environment for the extension's tables; called by ``ckan db upgrade -p govopen``."""

from __future__ import annotations

from alembic import context
from ckan.model.meta import metadata
from sqlalchemy import engine_from_config, pool

NAME = "govopen"


def _ours(obj: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
    return kind != "table" or bool(name and name.startswith(f"{NAME}_"))


def _run() -> None:
    options = {
        "target_metadata": metadata,
        "version_table": f"{NAME}_alembic_version",
        "include_object": _ours,
    }
    config = context.config
    if context.is_offline_mode():
        context.configure(
            url=config.get_main_option("sqlalchemy.url"), literal_binds=True, **options
        )
        with context.begin_transaction():
            context.run_migrations()
        return
    engine = engine_from_config(
        config.get_section(config.config_ini_section) or {},
        prefix="sqlalchemy.",
        poolclass=pool.NullPool,
    )
    with engine.connect() as connection:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()


_run()
