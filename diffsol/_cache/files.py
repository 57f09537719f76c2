"""Files of the cache: a private folder, written atomically, read with mistrust, bounded in size.

What is read here is executed. So the folder and its files must be this user's own and nobody else's to
write; a file is believed only with its checksum, and it is parsed, never unpickled. Whatever is wrong with
folder or file, the answer is that nothing is known: a cache must not be able to make a solve fail.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from pathlib import Path

from diffsol._cache.digests import blake2b

MAGIC = b"diffsol1"
DIGEST = 32  # bytes
SIZE_LIMIT = 256_000_000  # bytes in all; the files not used for the longest time go first
LARGEST_FILE = 16 << 20
EVICTED_TO = 0.75  # of the limit, so that not every new file has others evicted
# bytes written, on average, between two looks at all files, of which there may be thousands
LOOK_EVERY = 1 << 20
ENDING = ".kernel"
MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH

# The folder decided upon, for the present values of the environment variables.
_decided: tuple[tuple, Path | None, str] | None = None


def folder() -> Path | None:
    """Where files are kept, or None: there is no cache. It exists, and is this user's alone."""
    return _decision()[1]


def why_none() -> str:
    """Why there is no cache; "" if there is one."""
    return _decision()[2]


def _decision():
    global _decided
    asked = os.environ.get("DIFFSOL_CACHE"), os.environ.get("DIFFSOL_CACHE_DIR")
    if _decided is None or _decided[0] != asked:
        if asked[0] == "0":
            _decided = asked, None, "DIFFSOL_CACHE=0"
        elif asked[0] not in (None, "", "1"):
            _decided = asked, None, f"DIFFSOL_CACHE must be 0 or 1, not {asked[0]!r}"
        else:
            _decided = asked, *_opened(Path(asked[1]) if asked[1] else default())
    return _decided


def default() -> Path:
    """Where caches of this user belong on this system."""
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        return (
            Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "diffsol" / "cache"
        )
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "diffsol"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "diffsol"


def _opened(path):
    """(folder, "") or (None, why it will not do)."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = os.lstat(path)
    except OSError as error:
        return None, f"{path}: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode):
        return None, f"{path} is not a folder"
    if not _is_private(found):
        return None, f"{path} belongs to another user, or others may write to it"
    return path, ""


def _is_private(found) -> bool:
    if not hasattr(os, "geteuid"):
        return True  # Windows: the folder is in the user's profile
    return found.st_uid == os.geteuid() and not found.st_mode & MAY_WRITE


# --- one file --------------------------------------------------------------------------------------


def read(name) -> memoryview | None:
    """What was written under this name, or None."""
    path = folder()
    if path is None:
        return None
    path /= name + ENDING
    try:
        descriptor = os.open(
            path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        )
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if (
            not stat.S_ISREG(found.st_mode)
            or not _is_private(found)
            or found.st_size > LARGEST_FILE
        ):
            return None
        try:
            content = memoryview(file.read())
        except OSError:
            return None
    head = len(MAGIC) + DIGEST
    if content[: len(MAGIC)] != MAGIC or content[len(MAGIC) : head] != _digest(
        name, content[head:]
    ):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used now
    return content[head:]


def write(name, content) -> bool:
    """Keep this under the name, in place of what was there; False if that is not possible."""
    path = folder()
    if path is None or len(content) > LARGEST_FILE:
        return False
    import tempfile  # only who writes needs it

    digest = _digest(name, content)
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".", dir=path)  # readable by its user only
    except OSError:
        return False
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(MAGIC + digest + content)
        os.replace(temporary, path / (name + ENDING))
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        return False
    # the digest is as good as a random number
    if int.from_bytes(digest[:4], "little") * LOOK_EVERY < len(content) << 32:
        _evict(path)
    return True


def remove(name):
    """Nothing is kept under this name any longer."""
    path = folder()
    if path is not None:
        with contextlib.suppress(OSError):
            (path / (name + ENDING)).unlink()


def _digest(name, content) -> bytes:
    """Of both: what is copied or renamed is not what was written under that name."""
    hashed = blake2b(name.encode(), digest_size=DIGEST)
    hashed.update(content)
    return hashed.digest()


# --- all files -------------------------------------------------------------------------------------


def listed(path) -> list[tuple[float, int, Path]]:
    """(time of the last use, bytes, path) of each file, and of what crashed writers left."""
    found = []
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # another process may have removed it
                about = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(about.st_mode) and (
                    entry.name.endswith(ENDING) or entry.name.startswith(".")
                ):
                    found.append((about.st_mtime, about.st_size, Path(entry.path)))
    return found


def _evict(path):
    """Keep to the size limit, and remove what writers left an hour ago."""
    files = sorted(listed(path))
    total = sum(size for _, size, _ in files)
    aim = EVICTED_TO * SIZE_LIMIT if total > SIZE_LIMIT else total
    for used, size, file in files:
        is_left = file.name.startswith(".") and used < time.time() - 3600
        if total > aim or is_left:
            with contextlib.suppress(OSError):
                file.unlink()
            total -= size


def clear() -> int:
    """Remove all files; how many there were."""
    path, count = folder(), 0
    for _, _, file in [] if path is None else listed(path):
        with contextlib.suppress(OSError):
            file.unlink()
            count += 1
    return count
