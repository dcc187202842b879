"""A Python that has what a test needs: the one that runs, or one in the build folder with packages from PyPI."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path


def missing(modules):
    return [name for name in modules if importlib.util.find_spec(name) is None]


def run_with_packages(build, modules):
    """Starts this program again with the Python of BUILD/python_packages, which sees Debian's packages and gets what it
    lacks of `modules` (import names, and what pip calls them) from PyPI. Without venv, or without a network, the program
    goes on with what there is."""
    folder = Path(build) / "python_packages"
    if not missing(modules) or Path(sys.prefix) == folder:
        return
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([_base_python(), "-m", "venv", "--system-site-packages", folder])
    if not python.exists():
        return
    absent = [package for module, package in modules.items() if not _runs(python, "import " + module)]
    if absent:
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        install += ["--timeout", "15", "--retries", "1"] + absent
        # Debian's h5py is compiled for Debian's NumPy: another one in its place would break it.
        version = "import numpy; print('numpy==' + numpy.__version__)"
        found = subprocess.run([python, "-c", version], capture_output=True, text=True)
        subprocess.run(install + found.stdout.split())
    sys.stdout.flush()
    os.execv(python, [str(python), "-B"] + sys.argv)


def _runs(python, code):
    return subprocess.run([python, "-c", code], stderr=subprocess.DEVNULL).returncode == 0


def _base_python():
    """Debian's Python where it has h5py, whichever comes first in the path; else the one that runs."""
    debian = "/usr/bin/python3"
    return debian if os.path.exists(debian) and _runs(debian, "import h5py") else sys.executable
