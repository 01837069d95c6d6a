"""Typed access to the options of ``config_declaration.yaml``: nobody else reads them."""

from __future__ import annotations

from ckan.plugins import toolkit

PREFIX = "ckanext.govopen."


def _text(key: str) -> str:
    return str(toolkit.config.get(PREFIX + key) or "").strip()


def _flag(key: str) -> bool:
    return toolkit.asbool(toolkit.config.get(PREFIX + key))


def _number(key: str) -> int:
    return toolkit.asint(toolkit.config.get(PREFIX + key))


def jurisdiction() -> str:
    """Name of the profile, or the path of a profile file of the site's own."""
    return _text("jurisdiction") or "jilin"


def allow_profile_not_in_force() -> bool:
    return _flag("allow_profile_not_in_force")


def review_on() -> bool:
    """False: every save is released at once (``ckanext.govopen.review = off``).

    Only a clear "off" switches the review off: an unknown word leaves it on.
    """
    return _text("review").lower() not in {"off", "false", "no", "0"}


def review_settle_minutes() -> int:
    """Minutes after the last change of an active dataset until its review is submitted."""
    return _number("review.settle_minutes")


def review_delegate_to_authority() -> bool:
    """May the authority review for departments that have no disclosure office yet?"""
    return _flag("review.delegate_to_authority")


def authority() -> str:
    """Name of the organisation that is the data authority; empty: there is none yet."""
    return _text("authority")


def deny_unlisted() -> bool:
    """Anything but a plain "allow" denies what the inventory does not list."""
    return _text("unlisted").lower() != "allow"


def files_storage() -> str:
    """Name of the storage that keeps the files of resources."""
    return _text("files.storage") or "resources"


def files_accel_redirect() -> str:
    """Internal location of the web server that sends files; empty: the application sends them."""
    return _text("files.accel_redirect")


def files_collect_after_days() -> int:
    """Days after which bytes that nothing names are deleted."""
    return _number("files.collect_after_days")


def files_allow_private_addresses() -> bool:
    """May content be streamed from addresses of the private network?"""
    return _flag("files.allow_private_addresses")


def files_stream_max_bytes() -> int:
    """Largest content that is streamed from a kept address, in bytes."""
    return _number("files.stream_max_bytes")


def files_stream_seconds() -> int:
    """Longest time that streaming from a kept address may take, in seconds."""
    return _number("files.stream_seconds")


def _list(key: str) -> list[str]:
    return [item.strip() for item in toolkit.aslist(toolkit.config.get(PREFIX + key)) if item]


def themes() -> list[str]:
    """Themes that forms suggest."""
    return _list("themes")


def harvest_allowed_roots() -> list[str]:
    """Folders of the server from which the command line may read catalogues."""
    return _list("harvest.allowed_roots")


def harvest_allow_private_addresses() -> bool:
    """May sources of the authority and the operator read from the private network?"""
    return _flag("harvest.allow_private_addresses")


def harvest_may_create_organizations() -> bool:
    """May sources of the authority and the operator create organisations?"""
    return _flag("harvest.may_create_organizations")


def harvest_max_bytes() -> int:
    """Largest catalogue that a harvester reads, in bytes."""
    return _number("harvest.max_bytes")


def ledger_key_file() -> str:
    """File of the key that signs checkpoints; empty: in ``ckan.storage_path``."""
    return _text("ledger.key_file")


def scheduler_interval() -> int:
    """Seconds between two rounds of the scheduler, at least one."""
    return max(1, _number("scheduler.interval"))


def demo() -> bool:
    """May this site hold the demonstration accounts and catalogue?"""
    return _flag("demo")
