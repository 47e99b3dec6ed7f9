"""Where the programs and packages are, and how they come there: Sinter's build, a virtual environment with the peers."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRATCH = os.path.join(ROOT, "build", "benchmarks")
DEBIAN_PYTHON = "/usr/bin/python3"

BASE_PACKAGES = ["numpy==2.4.6", "onnx==1.23.2"]


class SetupError(Exception):
    """Something that the comparison needs is not there; the text says what to do."""


def find_build(folder, names):
    """Paths of `names`, relative to the build folder; builds what a configured folder lacks."""
    paths = [os.path.join(folder, name) for name in names]
    missing = [p for p in paths if not os.path.exists(p)]
    if missing and os.path.exists(os.path.join(folder, "build.ninja")):
        print(f"building sinter and benchmark-host in {folder}", file=sys.stderr)
        if subprocess.call(["ninja", "-C", folder, "sinter", "benchmark-host"], stdout=sys.stderr) != 0:
            raise SetupError(f"the build in {folder} failed")
        missing = [p for p in paths if not os.path.exists(p)]
    if missing:
        raise SetupError(f"{missing[0]} is missing. Build it: cmake --preset release && ninja -C build/release sinter benchmark-host\n"
                         "or name another build folder with --build")
    return paths


class Venv:
    """A virtual environment that gets packages when they are first needed."""

    def __init__(self, folder):
        self.folder = folder
        self.python = os.path.join(folder, "bin", "python")
        self.installed = None

    def create(self):
        """Makes it, with what every worker needs, unless it is there."""
        if not os.path.exists(self.python):
            print(f"making a Python environment in {self.folder}", file=sys.stderr)
            if subprocess.call([sys.executable, "-m", "venv", self.folder]) != 0:
                raise SetupError("cannot make a virtual environment: on Debian, install python3-venv")
        self.install(BASE_PACKAGES)

    def install(self, requirements):
        """Installs "name==version" requirements that are missing. A leading "!" means: without its dependencies."""
        if self.installed is None:
            listing = subprocess.run([self.python, "-m", "pip", "list", "--format", "freeze"], capture_output=True, text=True)
            self.installed = {canonical(line) for line in listing.stdout.split()}
        for requirement in requirements:
            package = requirement.lstrip("!")
            if canonical(package) in self.installed:
                continue
            print(f"installing {package}", file=sys.stderr)
            alone = ["--no-deps"] if requirement != package else []
            done = subprocess.run([self.python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *alone, package],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                lines = done.stderr.strip().splitlines() or ["pip failed"]
                raise SetupError(f"{package} cannot be installed: {lines[-1]}")
            self.installed.add(canonical(package))


def canonical(requirement):
    """ "Iree_base.Runtime==3" and "iree-base-runtime==3" are the same package (PEP 503)."""
    return re.sub(r"[-_.]+", "-", requirement.split("==")[0]).lower() + "==" + requirement.partition("==")[2]


def processor():
    """The name of this processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return "unknown processor"
