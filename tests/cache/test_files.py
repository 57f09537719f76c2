"""The folder and its files: private, bounded, and harmless whatever is wrong with them."""

import os
import pathlib
import re
import tempfile
import time

import numpy as np
import pytest
import scipy.integrate

import diffsol
from diffsol._cache import files
from diffsol._engine import kernels
from diffsol._engine.function import Function
from diffsol.integrate import solve_ivp

POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
ROOT = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFSOL_CACHE", "1")
    monkeypatch.setenv("DIFFSOL_CACHE_DIR", str(tmp_path / "cache"))
    kernels.clear()
    yield tmp_path / "cache"
    kernels.clear()


def decay(t, y):
    return -0.5 * y + np.sin(t)


def warm():
    assert diffsol.cache.warm(decay, (0, 1), [1.0, 2.0]).compiled


def found_again() -> bool:
    """Does a new record find the kernel? Whatever it finds, the solve is right."""
    kernels.clear()
    Function(decay, (), np.ones(2)).record.look()
    got = solve_ivp(decay, (0, 3), [1.0, 2.0])
    wanted = scipy.integrate.solve_ivp(decay, (0, 3), [1.0, 2.0])
    np.testing.assert_allclose(got.y, wanted.y, rtol=1e-10)
    (record,) = kernels.records()
    return bool(record.variants)


def test_made_for_its_user_only(folder):
    warm()
    (file,) = folder.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o077 == 0
    assert found_again()


@POSIX
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
def test_folder_that_others_may_write_to(folder, mode):
    folder.mkdir()
    folder.chmod(mode)
    warm()
    assert list(folder.iterdir()) == []
    info = diffsol.cache.info()
    assert info.folder is None
    assert "others may write to it" in str(info)


@POSIX
def test_file_that_others_may_write_to(folder):
    warm()
    (file,) = folder.iterdir()
    file.chmod(0o666)
    assert not found_again()


@ROOT
def test_folder_of_another_user(folder):
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)
    warm()
    assert list(folder.iterdir()) == []


@ROOT
def test_file_of_another_user(folder):
    warm()
    (file,) = folder.iterdir()
    os.chown(file, 12345, 12345)
    assert not found_again()


@POSIX
def test_links_are_not_followed(folder, tmp_path):
    warm()
    (file,) = folder.iterdir()
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert not found_again()


def test_folder_that_is_a_file(folder):
    folder.write_text("mine")
    warm()
    assert folder.read_text() == "mine"
    assert diffsol.cache.info().count == 0
    assert diffsol.cache.clear() == 0


def test_folder_that_cannot_be_made(monkeypatch, folder):
    monkeypatch.setenv("DIFFSOL_CACHE_DIR", "/dev/null/cache")
    warm()
    assert "/dev/null/cache" in diffsol.cache.info().why


@ROOT
def test_read_only_for_its_user(folder, monkeypatch):
    """As another user, whose folder is read-only: root may write everywhere."""
    warm()  # loads what is to be loaded
    with tempfile.TemporaryDirectory() as reachable:
        own = pathlib.Path(reachable, "cache")
        own.mkdir(mode=0o500)
        os.chmod(reachable, 0o755)
        os.chown(own, 12345, 12345)
        monkeypatch.setenv("DIFFSOL_CACHE_DIR", str(own))
        os.seteuid(12345)
        try:
            kernels.clear()
            warm()
            assert diffsol.cache.info().folder == own
            assert diffsol.cache.info().count == 0
        finally:
            os.seteuid(0)


def test_every_damaged_byte_is_a_miss(folder):
    warm()
    (file,) = folder.iterdir()
    good = file.read_bytes()
    places = np.random.default_rng(0).integers(0, len(good), 60)
    for place in {*places.tolist(), 0, 8, 40, 47, len(good) - 1}:
        file.write_bytes(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
        assert not found_again()
    for length in (0, 1, 7, 8, 39, 40, 48, 100, len(good) - 1):
        file.write_bytes(good[:length])
        assert not found_again()
    file.write_bytes(good)
    assert found_again()


def test_content_of_another_kind(folder):
    """The checksum is right, what it is of is not."""
    warm()
    (file,) = folder.iterdir()
    name = file.stem
    for header in (b"", b"[]", b"{}", b"[{}]", b"[1]", b"[[", b'[{"guards": 1}]'):
        content = len(header).to_bytes(8, "little") + header
        assert files.write(name, content)
        assert not found_again()


def test_a_wrong_kernel_is_removed(folder):
    warm()
    (record,) = kernels.records()
    Function(decay, (), np.ones(2)).discard(record.variants[0])
    assert list(folder.iterdir()) == []


def test_least_recently_used_go_first(folder, monkeypatch):
    monkeypatch.setattr(files, "SIZE_LIMIT", 10_000)
    monkeypatch.setattr(files, "LOOK_EVERY", 1)
    for i in range(9):
        assert files.write(f"f{i}", bytes(1000))
        os.utime(folder / f"f{i}.kernel", (i, i))
    assert files.read("f0") is not None  # used now
    assert files.write("f9", bytes(1000))
    left = {path.stem for path in folder.iterdir()}
    assert {"f0", "f9"} < left
    assert not {"f1", "f2"} & left
    assert diffsol.cache.info().size <= 10_000


def test_not_every_small_file_has_all_others_looked_at(folder, monkeypatch):
    looks = []
    monkeypatch.setattr(files, "_evict", looks.append)
    for i in range(400):
        assert files.write(f"f{i}", bytes(10_000))  # 4 MB in all
    assert 0 < len(looks) < 40
    looks.clear()
    assert files.write("large", bytes(files.LOOK_EVERY))
    assert looks


def test_what_a_crashed_writer_left(folder, monkeypatch):
    monkeypatch.setattr(files, "LOOK_EVERY", 1)
    folder.mkdir(mode=0o700)
    old, new = folder / ".old", folder / ".new"
    for path in (old, new):
        path.write_bytes(b"half of it")
    os.utime(old, (time.time() - 7200,) * 2)
    files.write("whole", b"content")
    assert not old.exists()
    assert new.exists()  # somebody may be writing it


def test_too_large_to_be_kept(folder, monkeypatch):
    monkeypatch.setattr(files, "LARGEST_FILE", 100)
    warm()
    assert list(folder.iterdir()) == []


def test_the_page_runs(folder):
    """docs/cache.md, as a reader would type it."""
    page = pathlib.Path(__file__).parents[2] / "docs" / "cache.md"
    (block,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    exec(compile(block, str(page), "exec"), {"__name__": "page"})
    assert list(folder.iterdir()) == []
