"""The locks of compiling, and how they get through a fork.

A child would find a lock that another thread held at the fork locked for ever, and LLVM in the middle of
something. So a fork waits until nobody compiles.
"""

from __future__ import annotations

import os
import threading

DERIVING = threading.RLock()  # one kernel at a time is made from another; taken before COMPILING
COMPILING = threading.RLock()  # llvmlite's global context is for one thread at a time
# Python leaves a child the locks of modules on their way: what is loaded when first needed is loaded
# under this one, which is never held for long and taken last.
LOADING = threading.RLock()


def _acquire():
    DERIVING.acquire()
    COMPILING.acquire()
    LOADING.acquire()


def _release():
    LOADING.release()
    COMPILING.release()
    DERIVING.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_acquire, after_in_parent=_release, after_in_child=_release)
