"""The environment of this checkout's own tools: every extra, and what tests, benchmarks and pictures use.

`scripts/test` builds it; the other scripts for developers go on in it. Old syntax: an old interpreter must be
able to read this, to be told that it is too old.
"""

import hashlib
import os
import sys

from modelrail import toolenv, toolenv_build

HERE = os.path.dirname(os.path.realpath(__file__))


def environment() -> str:
    """Its folder; built when it is missing. Raises toolenv_build.BuildError."""
    extras = (*toolenv.needed(toolenv.EXTRAS), "dev")
    with open(toolenv.requirement_files(HERE, ["dev"])[0], "rb") as stream:
        key = hashlib.sha256(stream.read() + toolenv.digest(HERE).encode()).hexdigest()[:12]
    name = f"tests-{key}"
    path = os.path.join(toolenv.folder(), name)
    if not toolenv.is_complete(path):
        path = toolenv_build.build(HERE, extras, toolenv.folder(), name)
    return path


def enter() -> None:
    """Go on in that environment, unless this interpreter already has what the tests use."""
    try:
        import msgspec  # noqa: F401
        import pytest  # noqa: F401
    except ImportError:
        pass
    else:
        return
    try:
        tools = environment()
    except toolenv_build.BuildError as error:
        raise SystemExit(toolenv_build.report(error)) from None
    binaries = os.path.join(tools, "bin")
    os.environ["PATH"] = f"{binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.execv(toolenv.python(tools), [toolenv.python(tools), *sys.argv])  # noqa: S606 - its own interpreter
