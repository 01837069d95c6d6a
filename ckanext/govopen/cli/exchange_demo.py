"""``ckan govopen exchange-demo``: a catalogue of the exchange platform to try a source with."""

from __future__ import annotations

import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

import click

from ckanext.govopen.exchange_demo import certificate, days
from ckanext.govopen.exchange_demo.faults import FAULTS, Faults
from ckanext.govopen.exchange_demo.server import MOST, Exchange, Settings


@click.command("exchange-demo", short_help="Serve a catalogue to try a source with.")
@click.option("--port", default=5800, show_default=True, type=click.IntRange(0, 65535))
@click.option("--day", default=0, show_default=True, type=click.IntRange(0, 3650))
@click.option("--seed", default="demo", show_default=True, help="Another one: other changes.")
@click.option("--records", type=click.IntRange(1, 1_000_000), help="So many, made from the list.")
@click.option(
    "--mark",
    default="",
    metavar="TEXT",
    help="Behind each code: for a portal that has the demonstration's catalogue already.",
)
@click.option("--page", default=MOST, show_default=True, type=click.IntRange(1, 1000))
@click.option("--bearer", default="", help="Ask for this token.")
@click.option("--hmac", "signed", default="", metavar="ID:SECRET", help="Ask for signatures.")
@click.option("--no-since", is_flag=True, help="Do not understand `since`.")
@click.option(
    "--fault",
    "wishes",
    multiple=True,
    metavar="NAME[:TIMES]",
    help=f"Misbehave: {', '.join(FAULTS)}. Several may be given.",
)
def command(
    port: int,
    day: int,
    seed: str,
    records: int | None,
    mark: str,
    page: int,
    bearer: str,
    signed: str,
    no_since: bool,
    wishes: tuple[str, ...],
) -> None:
    """Serve the demonstration's catalogue on the loopback, as it is on a day.

    A line with a number goes on to that day; Ctrl-C ends it.
    """
    try:
        faults = Faults.from_text(list(wishes))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from error
    client_id, colon, secret = signed.partition(":")
    if signed and not (client_id and colon and secret):
        raise click.BadParameter("Write it as ID:SECRET.", param_hint="--hmac")
    catalogue = days.Days(seed, days.many(records, mark))
    catalogue.to(day)
    settings = Settings(catalogue, faults, bearer, client_id, secret, page, not no_since)
    with ExitStack() as stack:
        chain = None
        if "tls" in faults:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            chain = certificate.write(Path(folder) / "nobody.pem")
        server = stack.enter_context(Exchange(settings, port, chain))
        click.echo(f"{server.url} serves day {day}: {len(catalogue.records)} records.")
        _serve(server, catalogue)


def _serve(server: Exchange, catalogue: days.Days) -> None:
    """Serves until it is interrupted; a number on a line is the day to go on to."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        for line in click.get_text_stream("stdin"):
            try:
                with server.settings.lock:
                    catalogue.to(int(line))
            except ValueError as error:
                click.echo(f"{error}")
            else:
                click.echo(f"Day {catalogue.day}: {len(catalogue.records)} records.")
        thread.join()
    except KeyboardInterrupt:
        pass
    finally:
        server.shutdown()
