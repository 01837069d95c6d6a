"""Parameters of agreements and their templates."""

from __future__ import annotations

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.parameter import Number, Secret, Text
from ckanext.govopen.logic.schema.table import Table

NAME_MAX = 200

_CASE = Text("application", N_("The application, by id or number"), required=True)
_PLACE = Text("organization", N_("The department, by id or name"), required=True)
SHOW = Table(
    N_("The agreement about one department's part of an application"),
    (_CASE, _PLACE),
    N_("The text, its hash, and the signature if there is one"),
)
SIGN = Table(
    N_("Sign an agreement: only the applicant himself, signed in on the portal"),
    (
        _CASE,
        _PLACE,
        Text("template", N_("The template that was read"), required=True),
        Number("template_version", N_("Its version"), required=True),
        Text("text_sha256", N_("SHA-256 of the text that was read"), required=True),
        Text("typed_name", N_("The signer's name as it was checked"), required=True, most=NAME_MAX),
        Secret("password", N_("The password once more; not needed after a fresh sign-in")),
    ),
    N_("The signed agreement"),
)
VERIFY = Table(
    N_("Was this agreement signed here?"),
    (
        Text(
            "sha256",
            N_("SHA-256 of the PDF or of the text, 64 hexadecimal digits"),
            required=True,
            example="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
    ),
    N_("Valid or not, and the day; nothing else"),
)

_TEMPLATE = Text("id", N_("The template, named as its regulation; left out: the one in use"))
_BODY = Text("text", N_("The text, with places such as {{name}}"), required=True)
TEMPLATE = Table(
    N_("One version of an agreement's template"),
    (_TEMPLATE, Number("version", N_("Its version; left out: the newest"))),
    N_("The text, its hash and the places that are filled in"),
)
TEMPLATES = Table(
    N_("All versions of an agreement's template"),
    (_TEMPLATE,),
    N_("The versions, the newest first"),
    many=True,
)
PREVIEW = Table(
    N_("Try a template out with made-up facts; nothing is kept"),
    (_BODY,),
    N_("The text as it would be signed, and the template's hash"),
)
PUBLISH = Table(
    N_("Publish a new version of the template in use"),
    (
        _BODY,
        Text("reason", N_("Why it was changed; public"), most=1000),
        Number("version", N_("The version that it follows, as it was read"), required=True),
    ),
    N_("The new version"),
)
