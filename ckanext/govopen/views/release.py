"""What was released of a dataset, and taking it from the public for a time."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.views import asked, dataset
from ckanext.govopen.views.forms import Reason, carry_out, number_of_page, signed_in, typed

_ = toolkit._
blueprint = Blueprint("govopen_release", __name__, url_prefix=dataset.PREFIX)

PAGE_ROWS = 20


def _list(**data: Any) -> list[dict[str, Any]]:
    return toolkit.get_action("govopen_release_list")(cast(Any, asked.context()), data)


@signed_in
def index(id: str) -> Any:
    """Releases, newest first: what changed, who submitted, who decided, when."""
    package, access = dataset.found(id)
    number = number_of_page()
    rows = _list(id=package["id"], limit=PAGE_ROWS + 1, offset=(number - 1) * PAGE_ROWS)
    return dataset.render(
        "govopen/release/index.html",
        package,
        access,
        None,
        releases=rows[:PAGE_ROWS],
        number=number,
        more=len(rows) > PAGE_ROWS,
    )


@signed_in
def show(id: str, version: int) -> Any:
    """One release with everything that it changed."""
    package, access = dataset.found(id)
    try:
        rows = _list(id=package["id"], version=version)
    except toolkit.ValidationError:
        rows = []
    if not rows:
        return toolkit.abort(404)
    return dataset.render("govopen/release/show.html", package, access, None, release=rows[0])


def _suspension(reference: str, errors: list[Reason] | None = None) -> Any:
    package, access = dataset.found(reference)
    return dataset.render("govopen/release/suspension.html", package, access, errors)


@signed_in
def suspension(id: str) -> Any:
    """Whether the dataset is suspended, since when and why, and the form."""
    return _suspension(id)


def _change(reference: str, action: str, said: str) -> Any:
    package, _access = dataset.found(reference)
    data = {"id": package["id"], **typed("reason")}
    errors = carry_out(action, data, {"reason": _("Reason")})
    if errors:
        return _suspension(reference, errors)
    toolkit.h.flash_success(said)
    return toolkit.redirect_to("govopen_release.suspension", id=package["name"])


@signed_in
def suspend(id: str) -> Any:
    """Takes the dataset from the public at once."""
    said = _("Suspended. From now on the public sees nothing of this dataset.")
    return _change(id, "govopen_dataset_suspend", said)


@signed_in
def restore(id: str) -> Any:
    """Lifts the suspension."""
    said = _("Restored. What was released is public again.")
    return _change(id, "govopen_dataset_restore", said)


blueprint.add_url_rule("/releases", view_func=index)
blueprint.add_url_rule("/releases/<int:version>", view_func=show)
blueprint.add_url_rule("/suspension", view_func=suspension)
blueprint.add_url_rule("/suspend", view_func=suspend, methods=["POST"])
blueprint.add_url_rule("/restore", view_func=restore, methods=["POST"])
