"""Only what pyproject.toml cannot say: found packages, and one more whose folder is elsewhere.

`workflows/` holds the caller workflows that people copy. `modelrail init` writes the same files, so the wheel
carries them as `modelrail/workflows`; there is no second copy to keep in step.
"""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages("scripts", include=["modelrail*"]), "modelrail.workflows"],
    package_dir={"": "scripts", "modelrail.workflows": "workflows"},
)
