"""One table of the DataStore: made, put in the place of another, taken away.

Tables are made as CKAN's own DataStore makes them (``_id``, ``_full_text`` with its trigger,
indexes, labels as comments of columns), with ``COPY`` instead of one insert a row.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from ckanext.datastore.backend import postgres
from psycopg2 import sql

from ckanext.govopen.logic.table import Column, Table

__all__ = ["drop", "flatten", "replace"]

#: Longest text of one row that goes into the full-text column; PostgreSQL refuses more than 1 MB.
FULL_TEXT_CHARS = 200_000


@contextmanager
def _cursor() -> Iterator[tuple[Any, Any]]:
    """(connection, cursor) of one transaction in the DataStore."""
    with postgres.get_write_engine().begin() as connection:
        cursor = connection.connection.cursor()
        try:
            cursor.execute("SET LOCAL lock_timeout = '60s'")
            yield connection, cursor
        finally:
            cursor.close()


def drop(resource_id: str) -> None:
    """Take a table away, if it is there."""
    with _cursor() as (_connection, cursor):
        _drop(cursor, resource_id)


def _drop(cursor: Any, resource_id: str) -> None:
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(resource_id)))
    cursor.execute('DELETE FROM "_table_stats" WHERE resource_id = %s', (resource_id,))


def flatten(table: Table, target: IO[bytes]) -> int:
    """Write rows for :func:`replace` (UTF-8 CSV, values quoted, nothing for an empty cell).

    Gives their number; ``target`` is left at its beginning.
    """
    count = 0
    for row in table.rows:
        cells = ("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row)
        target.write((",".join(cells) + "\n").encode())
        count += 1
    target.seek(0)
    return count


def replace(resource_id: str, columns: list[Column], flat: IO[bytes], count: int) -> None:
    """Put a table with these rows in the place of whatever is there, in one transaction.

    Readers see the old rows until it commits. Aliases of the old table go with it.
    """
    made, incoming = (f"_govopen_{part}_{uuid.uuid4().hex}" for part in ("new", "in"))
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    definitions = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))
        for column in columns
    )
    parts = {
        "made": sql.Identifier(made),
        "incoming": sql.Identifier(incoming),
        "names": names,
        "definitions": definitions,
        "limit": sql.Literal(FULL_TEXT_CHARS),
    }
    with _cursor() as (connection, cursor):

        def run(text: str) -> None:
            cursor.execute(sql.SQL(text).format(**parts))

        run("CREATE TEMP TABLE {incoming} ({definitions}) ON COMMIT DROP")
        copy = sql.SQL("COPY {incoming} ({names}) FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8')")
        cursor.copy_expert(copy.format(**parts), flat)
        run("CREATE TABLE {made} (_id serial PRIMARY KEY, _full_text tsvector, {definitions})")
        run(
            "INSERT INTO {made} (_full_text, {names}) "
            "SELECT to_tsvector(left(concat_ws(' ', {names}), {limit})), {names} FROM {incoming}"
        )
        _label(cursor, made, columns)
        _drop(cursor, resource_id)
        _rename(cursor, made, resource_id)
        cursor.execute(
            sql.SQL(
                "CREATE TRIGGER zfulltext BEFORE INSERT OR UPDATE ON {} "
                "FOR EACH ROW EXECUTE PROCEDURE populate_full_text_trigger()"
            ).format(sql.Identifier(resource_id))
        )
        context: Any = {"connection": connection}
        postgres.create_indexes(context, {"resource_id": resource_id})
        cursor.execute(
            'INSERT INTO "_table_stats" VALUES (%s, %s)',
            (resource_id, json.dumps({"rows": count})),
        )
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(resource_id)))


def _label(cursor: Any, made: str, columns: list[Column]) -> None:
    """Keep headings that are no column names as labels, where CKAN looks for them."""
    for column in columns:
        if column.heading == column.name:
            continue
        info = json.dumps({"_info": {"label": column.heading}}, ensure_ascii=False)
        cursor.execute(
            sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(
                sql.Identifier(made),
                sql.Identifier(column.name),
                sql.Literal(" " + info),  # the blank tells CKAN the form of the comment
            )
        )


def _rename(cursor: Any, made: str, resource_id: str) -> None:
    for kind, suffix in (("TABLE", ""), ("INDEX", "_pkey"), ("SEQUENCE", "__id_seq")):
        cursor.execute(
            sql.SQL("ALTER {} {} RENAME TO {}").format(
                sql.SQL(kind),
                sql.Identifier(made + suffix),
                sql.Identifier(resource_id + suffix),
            )
        )
