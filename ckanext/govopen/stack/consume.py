"""A harvest consumer that stays: ``python -m ckanext.govopen.stack.consume gather|fetch``.

The consumers of ckanext-harvest wait for the queue without end, while the Redis client that CKAN
pins gives up after five idle seconds, and the process would end with it. Here the wait begins
again, in the same process, with CKAN loaded once. Nothing is lost: the client gives up before it
has taken anything from the queue.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import time

from ckan.cli import load_config
from ckan.config.middleware import make_app
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import TimeoutError as Idle

log = logging.getLogger("ckanext.govopen.stack.consume")
PAUSE = 2.0  # seconds before a lost server is tried again


def settle() -> None:
    """Has the garbage collector leave alone what was loaded for good, and look at the rest after
    20,000 new objects instead of 700: a batch makes many, and hardly any in circles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def main(kind: str) -> int:
    """Consume the queue of one kind until the process is ended."""
    make_app(load_config(os.environ["CKAN_INI"]))
    settle()
    from ckan import model  # CKAN must be configured before
    from ckanext.harvest import utils

    consume = {"gather": utils.gather_consumer, "fetch": utils.fetch_consumer}[kind]
    while True:
        try:
            consume()
        except Idle:
            continue
        except NoConnection:
            log.warning("The queue's server does not answer, trying again")
            time.sleep(PAUSE)
        except Exception:
            # A server that was ended in the middle of a batch: the batch is queued again by the
            # next round of the scheduler, and the next one may well be imported.
            log.exception("The %s consumer failed, and goes on", kind)
            model.Session.remove()
            time.sleep(PAUSE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
