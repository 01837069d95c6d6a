"""``ckan govopen scheduler``: the long-lived process that does what is due."""

from __future__ import annotations

import logging
import signal
import threading

import click

from ckanext.govopen.cli.rounds import Rounds
from ckanext.govopen.model import settings

log = logging.getLogger(__name__)


@click.command(
    "scheduler",
    help="""Do what is due, in rounds: hand in settled reviews, deliver the outbox (reindexing,
    DataStore), start and end harvest jobs, delete bytes that nothing names, sign
    checkpoints of the ledger. `tick` does one round.

    Grants and standing approvals need no round: their end is checked at every request.""",
)
@click.option("--interval", type=click.IntRange(1), help="Seconds between two rounds.")
def command(interval: int | None) -> None:
    """Run rounds until told to stop."""
    rounds = Rounds()
    pause = interval or settings.scheduler_interval()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log.info("The scheduler runs, a round every %d seconds.", pause)
    while not stop.is_set():
        done = rounds.run()
        if any(done.values()):
            log.info("Done: %s", {name: number for name, number in done.items() if number})
        stop.wait(pause)
    log.info("The scheduler ends.")
