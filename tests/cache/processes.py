"""Solves in processes of their own, with a cache in a folder of the test's."""

import json
import os
import subprocess
import sys
import textwrap

TELL = """
import json, sys
from diffsol._engine import kernels
def tell(**more):
    known = {r.name: [len(r.variants), bool(r.variants) and r.variants[0].jacobian.made] for r in kernels.records()}
    loaded = [m for m in ("llvmlite", "diffsol._trace.trace", "diffsol._compile.cpu") if m in sys.modules]
    print(json.dumps({"known": known, "loaded": loaded, **more}))
"""


def environment(folder, **variables):
    known = {key: value for key, value in os.environ.items() if not key.startswith("DIFFSOL_")}
    return {**known, "DIFFSOL_CACHE_DIR": str(folder), **variables}


def run(folder, script, **variables):
    """What the script, which ends with a call of `tell`, tells."""
    done = subprocess.run(
        [sys.executable, "-c", TELL + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        env=environment(folder, **variables),
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
