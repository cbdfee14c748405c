"""The status page's tables: from the build's notes and from records."""

import json

from asdbook.publish import status
from asdbook.publish.digest import chapter_digest
from asdbook.publish.manifest import Entry, Manifest


def write_record(book, name, **changes):
    record = {
        "system": "autoencoder", "system_version": status.version_of("autoencoder"), "started": "2024-05-06T07:08:09",
        "cost": {"wall_seconds": 90.0}, "device": {"name": "a <b>processor</b>"}, "commit": "abc",
        "data": {"train_clips": 3, "test_clips": 4, "simulator_version": status.simulator_version()},
    }
    record.update(changes)
    folder = book.root / "book" / "results" / name
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(record))


def test_chapters_are_current_stale_or_never_executed(book):
    assert list(status.chapters(book)["state"]) == ["never executed"]
    page = book.chapter("first")
    digest = chapter_digest(book, page)
    entry = Entry(digest, {"profile": "quick"}, "book", 12.3, "2024-05-06T07:08:09+00:00", "cpu", {"numpy": "2"})
    Manifest({"first": entry}).save(book)
    row = status.chapters(book).iloc[0]
    assert row["state"] == "up to date" and row["seconds"] == "12" and row["parameters"] == "profile=quick"
    assert row["executed (UTC)"] == "2024-05-06 07:08:09"
    page.source.write_text(page.source.read_text() + "\n")
    assert status.chapters(book).iloc[0]["state"] == "stale: source changed"
    assert status.versions(book).to_dict("records") == [{"package": "numpy", "version": "2"}]


def test_a_folder_of_recordings_is_told_by_its_name(book):
    entry = Entry({}, {"data": "/mnt/recordings/2023", "seeds": [1]}, "execute", 1, "", "cpu", {})
    Manifest({"first": entry}).save(book)
    assert status.chapters(book).iloc[0]["parameters"] == "data=2023, seeds=[1]"


def test_versions_that_differ_are_listed_by_chapter(book):
    entries = {n: Entry({}, {}, "book", 1, "", "cpu", {"numpy": v}) for n, v in (("a", "1"), ("b", "2"))}
    Manifest(entries).save(book)
    assert status.versions(book).iloc[0]["version"] == "1 (a), 2 (b)"


def test_a_record_is_stale_when_a_version_was_raised(book):
    write_record(book, "a")
    write_record(book, "b", system_version=0)
    write_record(book, "c", data={"train_clips": 1, "test_clips": 1, "simulator_version": 0})
    states = dict(zip(status.records(book)["record"], status.records(book)["state"], strict=True))
    assert states["a"] == "up to date"
    assert states["b"].startswith("stale: system version 0, now ")
    assert states["c"].startswith("stale: simulator version 0, now ")
    assert status.records(book).iloc[0]["minutes"] == "1.5"


def test_text_from_records_is_escaped(book):
    write_record(book, "a")
    html = status.show(status.records(book)).data
    assert "a &lt;b&gt;processor&lt;/b&gt;" in html and "<b>" not in html
    assert "None yet" in status.show(status.records(book).iloc[:0]).data
