"""Bytes under their digest: stored once, never overwritten, collected when nobody names them."""

from __future__ import annotations

import datetime
import hashlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import file_keeper as fk
import pytest
from ckan import model
from ckan.common import config
from ckan.lib.files import storages
from ckan.lib.files.default.memory import MemoryStorage
from ckan.plugins import toolkit
from rdflib import Graph, Namespace
from werkzeug.datastructures import FileStorage

from ckanext.govopen.access import files
from ckanext.govopen.domain.release import FileFact
from ckanext.govopen.logic import file_upkeep, upload
from ckanext.govopen.model import file as file_model
from ckanext.govopen.tests.access.site import CSV, Site, download, now
from ckanext.govopen.tests.portal import Portal

LATER = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def site(_one_portal: Portal) -> Site:
    return Site.build(_one_portal)


@pytest.fixture(params=["fs", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, site: Site) -> Iterator[fk.Storage]:
    """An empty storage of each kind in the place of the site's own."""
    name = "resources"
    before = storages.get(name)
    assert before is not None
    if request.param == "fs":
        made = fk.make_storage(name, {"type": "ckan:fs", "path": str(tmp_path)})
    else:
        made = MemoryStorage({"name": name})
    storages.register(name, made)
    yield made
    storages.register(name, before)


def places(store: fk.Storage) -> set[str]:
    return set(store.scan())


def fact_of(raw: bytes, name: str = "a.csv") -> FileFact:
    return FileFact(hashlib.sha256(raw).hexdigest(), len(raw), name, "text/csv")


def test_bytes_lie_under_their_digest(storage: fk.Storage) -> None:
    raw = CSV.encode()
    fact = upload.store(io.BytesIO(raw), "C:\\学校.csv")
    digest = hashlib.sha256(raw).hexdigest()
    assert fact == FileFact(digest, len(raw), "学校.csv", "text/csv")
    assert places(storage) == {f"sha256/{digest[:2]}/{digest}"}
    with files.verified(fact) as copy:
        assert copy.read() == raw


def test_the_same_bytes_are_stored_once(
    storage: fk.Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload.store(io.BytesIO(b"a,b\n"), "a.csv")

    def no(*_: object, **__: object) -> None:
        raise AssertionError("written a second time")

    monkeypatch.setattr(storage, "upload", no)
    upload.store(io.BytesIO(b"a,b\n"), "b.csv")
    assert len(places(storage)) == 1


def test_half_written_bytes_are_written_again(storage: fk.Storage) -> None:
    fact = fact_of(b"a,b\n1,2\n")
    storage.upload(files.location(fact.sha256), fk.make_upload(b"a,b"))
    assert not files.exists(fact)
    files.put(io.BytesIO(b"a,b\n1,2\n"), fact)
    with files.verified(fact) as copy:
        assert copy.read() == b"a,b\n1,2\n"


def test_changed_bytes_are_noticed(storage: fk.Storage) -> None:
    fact = upload.store(io.BytesIO(b"a,b\n1,2\n"), "a.csv")
    place = files.location(fact.sha256)
    storage.remove(fk.FileData(place))
    storage.upload(place, fk.make_upload(b"a,b\n1,3\n"))
    with pytest.raises(files.BytesMissing):
        files.verified(fact)


def test_a_failed_write_leaves_nothing(
    storage: fk.Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(storage, "move", fails)
    with pytest.raises(OSError, match="disk full"):
        upload.store(io.BytesIO(b"a,b\n"), "a.csv")
    assert places(storage) == set()


def test_size_limit_holds_while_reading(
    storage: fk.Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckan.max_resource_size", 1)
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 1024 * 1024

    with pytest.raises(toolkit.ValidationError):
        upload.store(endless(), "a.csv")
    assert read <= 2
    assert places(storage) == set()


def test_only_digests_are_places() -> None:
    for wrong in ("", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"):
        with pytest.raises(ValueError, match="digest"):
            files.location(wrong)


def test_a_missing_storage_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.files.storage", "nowhere")
    with pytest.raises(toolkit.ValidationError) as error:
        upload.store(io.BytesIO(b"a"), "a.csv")
    assert "ckan.files.storage.nowhere" in str(error.value.error_dict["upload"])


def test_uploader_fills_the_resource(site: Site) -> None:
    resource = {"upload": FileStorage(io.BytesIO(CSV.encode()), "学校 2025.csv"), "url": "x"}
    made = upload.get_resource_uploader(resource)
    assert resource["url"] == "2025.csv"
    assert resource["url_type"] == "upload"
    assert resource["hash"] == hashlib.sha256(CSV.encode()).hexdigest()
    assert (resource["size"], resource["mimetype"]) == (len(CSV.encode()), "text/csv")
    assert "upload" not in resource
    assert made.filesize == len(CSV.encode())


@pytest.mark.parametrize("empty", [FileStorage(io.BytesIO(b""), ""), "", None])
def test_an_empty_field_of_a_form_is_no_upload(site: Site, empty: object) -> None:
    resource = {"upload": empty, "url": "https://example.org/a", "clear_upload": ""}
    made = upload.get_resource_uploader(resource)
    assert resource == {"url": "https://example.org/a"}
    assert not hasattr(made, "filesize")
    made.upload("unknown")


def test_a_cleared_upload_is_a_link_again(site: Site) -> None:
    package_id, resource_id = site.published()
    shown = site.call("resource_show", "editor", id=resource_id)
    site.call(
        "resource_update",
        "editor",
        **{**shown, "url": "https://data.example.org/a", "clear_upload": "true"},
    )
    assert file_model.current(model.Session, package_id) == {}
    assert site.get(download(package_id, resource_id)).data == CSV.encode()


def test_what_contradicts_its_name_is_refused_and_nothing_is_kept(site: Site) -> None:
    package = site.dataset()
    answer = site.app.post(
        "/api/3/action/resource_create",
        headers=site.headers("editor"),
        data={
            "package_id": package["id"],
            "upload": (io.BytesIO(b"%PDF-1.7\n"), "a.csv"),
        },
        content_type="multipart/form-data",
    )
    assert answer.status_code == 409
    assert "application/pdf" in answer.json["error"]["upload"][0]
    assert not site.call("package_show", "editor", id=package["id"])["resources"]


def test_a_save_that_fails_records_nothing(site: Site) -> None:
    package = site.dataset()
    answer = site.app.post(
        "/api/3/action/resource_create",
        headers=site.headers("editor"),
        data={
            "package_id": package["id"],
            "size": "many",
            "last_modified": "never",
            "upload": (io.BytesIO(b"unique,1\n"), "a.csv"),
            "created": "no date",
        },
        content_type="multipart/form-data",
    )
    assert answer.status_code in (200, 409)
    known = hashlib.sha256(b"unique,1\n").hexdigest() in file_model.digests(model.Session)
    assert known is (answer.status_code == 200)


def test_collecting(site: Site) -> None:
    """What a release or a working copy names stays; the rest goes when it is old enough."""
    package_id, resource_id = site.published("released,1\n")
    site.upload(package_id, "between,1\n", id=resource_id)
    site.upload(package_id, "working,1\n", id=resource_id)
    orphan = upload.store(io.BytesIO(b"orphan,1\n"), "a.csv")
    model.Session.commit()
    digests = {
        word: hashlib.sha256(f"{word},1\n".encode()).hexdigest()
        for word in ("released", "between", "working")
    }
    assert file_upkeep.collect(model.Session, now() - LATER) == []
    removed = set(file_upkeep.collect(model.Session, now() + LATER))
    assert {digests["between"], orphan.sha256} <= removed
    assert not {digests["released"], digests["working"]} & removed
    url = download(package_id, resource_id)
    assert site.get(url).data == b"released,1\n"
    assert site.get(url, "editor").data == b"working,1\n"
    # the same bytes may come back
    site.upload(package_id, "between,1\n", id=resource_id)
    assert site.get(url, "editor").data == b"between,1\n"


def test_bytes_of_purged_datasets_go(site: Site) -> None:
    package = site.dataset()
    site.upload(package["id"], "purged,1\n")
    site.call("dataset_purge", "operator", id=package["id"])
    digest = hashlib.sha256(b"purged,1\n").hexdigest()
    assert digest in file_upkeep.collect(model.Session, now() + LATER)


def test_files_of_an_existing_site_are_taken_over(site: Site) -> None:
    package = site.dataset()
    resource = site.call(
        "resource_create", "editor", package_id=package["id"], url="old.csv", url_type="upload"
    )
    assert file_upkeep.take_over(model.Session, package["id"]) == {resource["id"]: "missing"}
    store = files.storage()
    rid = resource["id"]
    place = fk.Location(f"{rid[:3]}/{rid[3:6]}/{rid[6:]}")
    store.upload(place, fk.make_upload(b"old,1\n"))
    assert site.get(download(package["id"], rid), "editor").status_code == 404
    assert file_upkeep.take_over(model.Session, package["id"]) == {rid: "taken"}
    model.Session.commit()
    assert site.get(download(package["id"], rid), "editor").data == b"old,1\n"
    assert file_upkeep.take_over(model.Session, package["id"]) == {rid: "known"}
    assert store.exists(fk.FileData(place))


def test_rows_of_an_existing_site_are_taken_over(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = site.dataset()
    with monkeypatch.context() as patch:  # a table from the time before the review
        patch.setitem(config, "ckanext.govopen.review", "off")
        made = site.call(
            "datastore_create",
            "editor",
            resource={"package_id": package["id"]},
            fields=[{"id": "a", "type": "text"}],
            records=[{"a": "1"}],
        )
    rid = made["resource_id"]
    site.release(package["id"])
    with pytest.raises(toolkit.ObjectNotFound):
        site.call("datastore_search", None, resource_id=rid)
    assert file_upkeep.take_over(model.Session, package["id"]) == {rid: "taken"}
    model.Session.commit()
    site.release(package["id"])
    assert site.call("datastore_search", None, resource_id=rid)["total"] == 1


def test_actions_for_staff(site: Site) -> None:
    package_id, resource_id = site.published()
    shown = site.call("govopen_file_show", "editor", id=package_id)
    assert [(row["resource_id"], row["released"]) for row in shown] == [(resource_id, True)]
    assert site.call("govopen_file_load", "editor", id=package_id) == {"id": package_id}
    for who in (None, "citizen", "other"):
        for action in ("govopen_file_show", "govopen_file_load"):
            with pytest.raises((toolkit.NotAuthorized, toolkit.ObjectNotFound)):
                site.call(action, who, id=package_id)
    with pytest.raises(toolkit.NotAuthorized):
        site.call("govopen_file_collect", "editor")
    assert site.call("govopen_file_collect", "operator")["removed"] >= 0


def test_catalogues_tell_the_digest(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """The RDF of a dataset has the digest as a value that its type allows, and its algorithm."""
    package_id, resource_id = site.published()
    with caplog.at_level(logging.WARNING, logger="rdflib.term"):
        turtle = site.get(f"/dataset/{package_id}.ttl").body
        graph = Graph().parse(data=turtle, format="turtle")
    assert not [record for record in caplog.records if record.name.startswith("rdflib")]
    spdx = Namespace("http://spdx.org/rdf/terms#")
    (checksum,) = graph.subjects(spdx.checksumValue)
    (value,) = graph.objects(checksum, spdx.checksumValue)
    digest = hashlib.sha256(CSV.encode()).hexdigest()
    assert str(value).lower() == digest
    assert value.toPython() == bytes.fromhex(digest)  # pyright: ignore[reportAttributeAccessIssue]
    assert list(graph.objects(checksum, spdx.algorithm)) == [spdx.checksumAlgorithm_sha256]
    assert site.call("resource_show", None, id=resource_id)["hash"] == digest


def test_the_digest_goes_with_its_file(site: Site) -> None:
    package = site.dataset()
    resource = site.upload(package["id"], CSV)
    changed = site.call(
        "resource_patch",
        "editor",
        id=resource["id"],
        url="https://example.com/a",
        clear_upload=True,
    )
    assert not changed.get("hash") and not changed.get("hash_algorithm")
