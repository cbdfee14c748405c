"""Names as parts of paths, and the mark of last use."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asdbook.paths import mark_used, plain, slug


@given(st.text(max_size=90))
def test_any_name_is_one_safe_part_of_a_path(name):
    for text in (plain(name), slug(name)):
        assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
        assert not text.startswith((".", "-"))
    assert len(plain(name)) <= 60 and slug(name) not in ("", ".", "..")


@given(st.text(max_size=90), st.text(max_size=90))
def test_two_names_have_two_slugs(one, other):
    assert (slug(one) == slug(other)) == (one == other)


@pytest.mark.parametrize("name", ["autoencoder", "synthetic-2023", "rc_mae", "mimii_min6db", "a.b"])
def test_a_plain_name_stays(name):
    assert plain(name) == slug(name) == name


def test_what_is_read_has_the_time_of_now(tmp_path):
    path = tmp_path / "set.json"
    path.write_text("{}")
    os.utime(path, (0, 0))
    mark_used(path)
    assert path.stat().st_mtime > 1e9
    mark_used(tmp_path / "missing")  # a read-only or vanished file is no error
