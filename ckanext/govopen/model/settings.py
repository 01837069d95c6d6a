"""Typed access to the options of ``config_declaration.yaml``: nobody else reads them."""

from __future__ import annotations

import os
import pathlib

from ckan.plugins import toolkit

from ckanext.govopen.domain.procedure import Target
from ckanext.govopen.domain.usage import ADDRESSES, Address

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


def collaborators() -> bool:
    """CKAN's collaborators of a dataset count: the site has switched them on, and has no review."""
    allowed = toolkit.config.get("ckan.auth.allow_dataset_collaborators")
    return toolkit.asbool(allowed) and not review_on()


def review_settle_minutes() -> int:
    """Minutes after the last change of an active dataset until its review is submitted."""
    return _number("review.settle_minutes")


def review_delegate_to_authority() -> bool:
    """May the authority review for departments that have no disclosure office yet?"""
    return _flag("review.delegate_to_authority")


def authority() -> str:
    """Name of the organisation that is the data authority; empty: there is none yet."""
    return _text("authority")


def deciding_token_days() -> int:
    """Days for which a token that may decide works; 0: there are none."""
    return max(0, _number("deciding_token_days"))


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


def access_log_address() -> Address:
    """How much of an address the access log keeps; an unknown word keeps none."""
    known: dict[str, Address] = {word: word for word in ADDRESSES}
    return known.get(_text("access_log.address").lower(), "none")


def access_log_keep_days() -> int:
    """Days for which the access log is kept where the profile has no number."""
    return max(1, _number("access_log.keep_days"))


def grants_notice_days() -> list[int]:
    """Days before the end of a grant at which its holders are told, the earliest first."""
    found = {int(item) for item in _list("grants.notice_days") if item.isascii() and item.isdigit()}
    return sorted((days for days in found if days > 0), reverse=True)


def grants_report_days() -> int:
    """Days after the end of a grant within which a report of use is owed; 0: none is asked for."""
    return max(0, _number("grants.report_days"))


def grants_on_platform_rows() -> int:
    """Rows a day of a grant for use within the portal alone that has no limit; 0: none is set."""
    return max(0, _number("grants.on_platform_rows_per_day"))


def grants_persons_most() -> int:
    """Most persons that an organisation may name for one grant."""
    return max(1, _number("grants.persons_most"))


def ledger_key_file() -> str:
    """File of the key that signs checkpoints; empty: in ``ckan.storage_path``."""
    return _text("ledger.key_file")


def ledger_checkpoint_folder() -> str:
    """Folder of the published checkpoints; empty: in ``ckan.storage_path``."""
    return _text("ledger.checkpoint_folder")


def ledger_checkpoint_minutes() -> int:
    """Minutes between two checkpoints while something happens; 0: only by command."""
    return _number("ledger.checkpoint_minutes")


def ledger_witnesses() -> list[str]:
    """Addresses to which every checkpoint is mailed."""
    return _list("ledger.witnesses")


def ledger_keep_years() -> int:
    """Years before personal fields may be erased where the profile has no number."""
    return _number("ledger.keep_years")


def scheduler_interval() -> int:
    """Seconds between two rounds of the scheduler, at least one."""
    return max(1, _number("scheduler.interval"))


def demo() -> bool:
    """May this site hold the demonstration accounts and catalogue?"""
    return _flag("demo")


# Accounts: signing in through a provider of identities, registration, closing


def oidc_issuer() -> str:
    """Issuer of the OpenID Connect provider, exactly as it names itself; empty: there is none."""
    return _text("oidc.issuer")


def oidc_client_id() -> str:
    return _text("oidc.client_id")


def oidc_client_secret() -> str:
    """The client's secret: from the environment, else from a file, else from the option.

    :raises OSError: the file cannot be read
    """
    given = os.environ.get("GOVOPEN_OIDC_CLIENT_SECRET", "").strip()
    path = _text("oidc.client_secret_file")
    if not given and path:
        given = pathlib.Path(path).read_text(encoding="utf-8").strip()
    return given or _text("oidc.client_secret")


def oidc_scopes() -> str:
    """Scopes that are asked for, separated by blanks; ``openid`` is always among them."""
    wanted = _text("oidc.scopes").split()
    return " ".join(["openid", *(scope for scope in wanted if scope != "openid")])


def oidc_claim_name() -> str:
    """Claim that holds a person's name."""
    return _text("oidc.claim_name")


def oidc_claim_email() -> str:
    """Claim that holds a person's e-mail address."""
    return _text("oidc.claim_email")


def oidc_label() -> str:
    """What the button on the login page says after "Sign in with"; empty: plain words."""
    return _text("oidc.label")


def oidc_create_accounts() -> bool:
    """Does the first sign-in of a person make an account?"""
    return _flag("oidc.create_accounts")


def oidc_only() -> bool:
    """Do people sign in at the provider alone, so that the portal's own passwords count no more?"""
    return _flag("oidc.only")


def oidc_allow_private_addresses() -> bool:
    """May the provider lie in the private network, and be spoken to without TLS?"""
    return _flag("oidc.allow_private_addresses")


def oidc_clock_skew() -> int:
    """Seconds by which the provider's clock may differ, at most five minutes."""
    return min(300, max(0, _number("oidc.clock_skew")))


def oidc_sign_out_at_provider() -> bool:
    """Does signing out end the session at the provider as well?"""
    return _flag("oidc.sign_out_at_provider")


def register_on() -> bool:
    """May people make accounts with a password by themselves? Only a plain "on" says yes."""
    return (
        _text("register").lower() in {"on", "true", "yes", "1"}
        and toolkit.asbool(toolkit.config.get("ckan.auth.create_user_via_web"))
        and not oidc_only()
    )


def register_link_hours() -> int:
    """Hours for which the link in a registration mail works, at least one."""
    return max(1, _number("register.link_hours"))


def register_per_block() -> int:
    """Registrations an hour from one block of network addresses."""
    return _number("register.per_block")


def register_per_hour() -> int:
    """Registrations an hour from everywhere."""
    return _number("register.per_hour")


def register_mails_a_day() -> int:
    """Registration mails a day to one e-mail address."""
    return _number("register.mails_a_day")


def register_fill_seconds() -> int:
    """Seconds that a person needs at least to fill in the form."""
    return _number("register.fill_seconds")


def account_erase_days() -> int:
    """Days after which the personal fields of a closed account are erased."""
    return max(0, _number("account.erase_days"))


# Agreements


def site_url() -> str:
    """The portal's address without a slash at its end."""
    return str(toolkit.config.get("ckan.site_url") or "").rstrip("/")


def agreement_attempts() -> int:
    """How many wrong passwords a signer may give before none is looked at for a while."""
    return max(1, _number("agreement.attempts"))


def agreement_lock_minutes() -> int:
    """For how many minutes no password of a signer is looked at after too many wrong ones."""
    return max(1, _number("agreement.lock_minutes"))


def verify_per_minute() -> int:
    """How many hashes may be looked up from one address within a minute."""
    return max(1, _number("agreement.verify_per_minute"))


def ledger_exports_per_minute() -> int:
    """How many exports of the ledger may be taken from one address within a minute, without an
    account."""
    return max(1, _number("ledger.exports_per_minute"))


# Applications


def application_prefix() -> str:
    """What case numbers begin with."""
    return _text("application.number_prefix")


def application_letter_prefix() -> str:
    """What the numbers of decision letters begin with."""
    return _text("application.letter_prefix")


def _pairs(key: str) -> dict[str, str]:
    found = (item.partition("=") for item in _list(key))
    return {name.strip(): value.strip() for name, sign, value in found if sign and value.strip()}


def application_bodies() -> dict[str, str]:
    """Which organisation here is a body of the profile: names by the profile's words."""
    return _pairs("application.bodies")


def application_targets() -> dict[str, Target]:
    """The site's own targets for clocks without a number; what cannot be read is left out."""
    found: dict[str, Target] = {}
    for clock, text in _pairs("application.targets").items():
        digits, unit = text[:-2], text[-2:]
        if digits.isascii() and digits.isdigit() and int(digits) > 0 and unit in ("wd", "nd"):
            found[clock] = Target(int(digits), "wd" if unit == "wd" else "nd")
    return found


def agreement() -> bool:
    """Is an agreement signed where the regulation leaves it to the site?"""
    return _flag("application.agreement")


def application_identity() -> bool:
    """Has an applicant to be checked before his application is accepted?"""
    return _flag("application.identity")


def application_identity_days() -> int:
    """Days for which a check of an applicant counts when it names no end."""
    return max(1, _number("application.identity_days"))


def application_datasets() -> int:
    """Most datasets in one application."""
    return max(1, _number("application.datasets"))


def application_max_days() -> int:
    """Longest period of use, in days; 0: no limit."""
    return max(0, _number("application.max_days"))


def application_max_open() -> int:
    """Most open applications of one applicant; 0: no limit."""
    return max(0, _number("application.max_open"))


def application_max_per_day() -> int:
    """Most new applications of one applicant in a day; 0: no limit."""
    return max(0, _number("application.max_per_day"))


def application_sign_within_days() -> int:
    """Days within which an agreement is signed, after which the part lapses; 0: no limit."""
    return max(0, _number("application.sign_within_days"))


def attachment_bytes() -> int:
    """Largest file that may be attached, in bytes."""
    return max(1, _number("attachment.max_bytes"))


def attachment_types() -> list[str]:
    """Extensions of files that may be attached, without a dot."""
    return [item.lower().lstrip(".") for item in _list("attachment.types")]


def overdue_mail() -> bool:
    """Are departments told by mail of data that is overdue?"""
    return _flag("overdue.mail")


def mail_settle_seconds() -> int:
    """Seconds that a mail about a case waits for others that go with it."""
    return max(0, _number("mail.settle_seconds"))
