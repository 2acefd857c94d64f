"""Stands in for actions/setup-python: one Python is there, and it is the one."""

import os
import platform
import sys

wanted, present = os.environ.get("INPUT_VERSION", ""), platform.python_version()
if wanted and not f"{present}.".startswith(wanted.rstrip(".x") + "."):
    print(f"::notice title=setup-python::Python {wanted} was asked for; modelrail act has {present}.")
with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as stream:
    stream.write(f"python-version={present}\npython-path={sys.executable}\n")
