#!/usr/bin/env python3
"""Writes the bill of materials of built programs or libraries, SPDX 2.3 in JSON: what is inside of them and what they need, each by the
distribution's package and version.

It is read from the build, not from a list: which libraries the loader will look for (DYNAMIC_LINK), which archives the linker was given
(STATIC_LINK), which packages' headers the compiler read (BUILD_DEPENDENCY_OF). Where there is no dpkg, names stand without versions.

usage: sbom.py NAME VERSION BUILD OUTPUT FILE...     FILEs are products of the build folder BUILD; OUTPUT may be -
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys


def run(*command: str) -> str:
    """What a command prints; nothing where there is no such command, as ninja in a build by make. A user's PATH has no sbin,
    where ldconfig is."""
    program = shutil.which(command[0], path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if not program:
        return ""
    return subprocess.run((program, *command[1:]), capture_output=True, text=True, check=False).stdout


def loaded(file: pathlib.Path) -> list[str]:
    return re.findall(r"NEEDED\).*\[(.*)\]", run("readelf", "-dW", str(file)))


def inputs(build: pathlib.Path, file: pathlib.Path) -> list[str]:
    """All files that the product is made of, directly or not."""
    product = file.resolve().relative_to(build)
    return run("ninja", "-C", str(build), "-t", "inputs", str(product)).split("\n")


def headers(build: pathlib.Path, objects: set[str]) -> set[str]:
    """The system's headers that the compiler read for these objects."""
    lines: set[str] = set()
    for block in run("ninja", "-C", str(build), "-t", "deps").split("\n\n"):
        name, *read = block.strip().split("\n")
        if name.split(":")[0] in objects:
            lines.update(line.strip() for line in read)
    # The build reaches some through links of its own.
    return {path for path in (os.path.realpath(build / line) for line in lines) if path.startswith("/usr/")}


class System:
    """The distribution's packages."""

    def __init__(self) -> None:
        self.paths = {name: path for name, path in re.findall(r"^\s*(\S+) \(.*\) => (\S+)$", run("ldconfig", "-p"), re.M)[::-1]}
        self.hasDpkg = shutil.which("dpkg-query") is not None

    def owners(self, paths: set[str]) -> set[str]:
        """The packages of files. Debian's index knows a file by the name that the package gave it."""
        if not paths or not self.hasDpkg:
            return set()
        names = {other for path in paths for real in (path, os.path.realpath(path)) for other in (real, real.removeprefix("/usr"))}
        lines = run("dpkg-query", "-S", *sorted(names)).split("\n")
        return {owner.split(":")[0] for line in lines if ": /" in line and "diversion" not in line
                for owner in line.split(": /")[0].split(", ")}

    def describe(self, package: str) -> dict[str, str]:
        keys = ["version", "source", "sourceVersion", "architecture", "homepage"]
        form = "${Version}\t${source:Package}\t${source:Version}\t${Architecture}\t${Homepage}\n"
        values = run("dpkg-query", "-W", "-f", form, package).split("\n")[0].split("\t") if self.hasDpkg else []
        return dict(zip(keys, values))


def own(version: str) -> dict[str, str]:
    """What every package of Sinter's says of itself."""
    return {"versionInfo": version, "supplier": "Organization: Sinter", "licenseDeclared": "Apache-2.0 WITH LLVM-exception"}


class Document:
    def __init__(self, name: str, version: str) -> None:
        self.name, self.version = name, version
        self.packages: dict[str, dict] = {}
        self.relations: set[tuple[str, str, str]] = set()
        self.root = self.add(name, {**own(version), "primaryPackagePurpose": "LIBRARY"})

    def add(self, name: str, fields: dict) -> str:
        identifier = "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)
        self.packages.setdefault(identifier, {
            "SPDXID": identifier, "name": name, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION", **fields})
        return identifier

    def addDebian(self, package: str, system: System) -> str:
        about = system.describe(package)
        if not about:
            return self.add(package, {})
        purl = f"pkg:deb/debian/{package}@{about['version']}?arch={about['architecture']}&upstream={about['source']}"
        fields = {"versionInfo": about["version"], "supplier": "Organization: Debian",
                  "sourceInfo": f"built from {about['source']} {about['sourceVersion']}",
                  "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}]}
        if about["homepage"]:
            fields["homepage"] = about["homepage"]
        return self.add(package, fields)

    def relate(self, subject: str, kind: str, other: str) -> None:
        if subject != other:
            self.relations.add((subject, kind, other))

    def text(self, identity: str) -> str:
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        now = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc) if epoch else datetime.datetime.now(datetime.timezone.utc)
        relations = [("SPDXRef-DOCUMENT", "DESCRIBES", self.root), *sorted(self.relations)]
        return json.dumps({
            "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"{self.name}-{self.version}",
            "documentNamespace": f"https://sinter.invalid/spdx/{self.name}-{self.version}-{identity}",
            "creationInfo": {"created": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Organization: Sinter", "Tool: sinter-sbom.py"]},
            "packages": [self.packages[key] for key in sorted(self.packages)],
            "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in relations],
        }, indent=1) + "\n"


def main() -> int:
    if len(sys.argv) < 6:
        print(__doc__, file=sys.stderr)
        return 2
    name, version, buildName, output, *files = sys.argv[1:]
    build = pathlib.Path(buildName).resolve()
    system, document, digest = System(), Document(name, version), hashlib.sha256()
    for path in map(pathlib.Path, files):
        digest.update(path.read_bytes())
        for library in loaded(path):
            if library.startswith("libsinter"):
                other = document.add(library.split(".so")[0], own(version))
                document.relate(document.root, "DYNAMIC_LINK", other)
                continue
            for package in system.owners({system.paths[library]} if library in system.paths else set()) or {library}:
                document.relate(document.root, "DYNAMIC_LINK", document.addDebian(package, system))
        parts = inputs(build, path)
        for package in system.owners({part for part in parts if part.startswith("/usr/") and part.endswith(".a")}):
            document.relate(document.root, "STATIC_LINK", document.addDebian(package, system))
        for package in system.owners(headers(build, {part for part in parts if part.endswith(".o")})):
            document.relate(document.addDebian(package, system), "BUILD_DEPENDENCY_OF", document.root)
    text = document.text(digest.hexdigest()[:16])
    if output == "-":
        sys.stdout.write(text)
    else:
        pathlib.Path(output).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(output).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
