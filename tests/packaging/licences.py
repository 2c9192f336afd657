"""The licences of what is installed with the package: `python -m tests.packaging.licences` resolves it with pip, from the packages'
own metadata and without installing anything, and prints docs/licences.md."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.project.source import ROOT

# Who asks nothing but to be named may go along with what is under MIT.
FREE = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CNRI-Python",
    "ISC",
    "MIT",
    "MIT-0",
    "PSF-2.0",
    "Zlib",
}
# What has conditions of its own, and what that means for who uses it.
CONDITIONS = {
    "LGPL-3.0-only": "LGPL",
    "LGPL-3.0-or-later": "LGPL",
    "MPL-2.0": "MPL",
    "NVIDIA's own": "NVIDIA",
    "not said": "NVIDIA",
}
_HEAD = """\
# Licences

<!-- Made by `make licences` from what packages say of themselves: tests/packaging/licences.py has the words. -->

iai-daemon is under the MIT licence (`LICENSE`). Nothing of others is part of it: what it needs is installed beside it, each under its
own licence. These are the packages of a fresh installation on Linux, direct ones in bold, by what they say of themselves. Versions are
those that were current when this page was made.

- Everything without an extra may go along with software under MIT: it asks no more than to be named, Apache-2.0 also that changes are
  marked.
- **LGPL**: `psycopg` and `psycopg-binary` (extra `postgres`), `recurring-ical-events` and `x-wr-timezone` (extra `calendar`). They are
  used as they come, as libraries that anybody can replace by another version, which is what the LGPL asks. Who hands out
  iai-daemon together with them, as in a container, hands out their licence and their source, or where it is, too.
- **MPL**: `tqdm` (extra `embeddings`) in part. Changes to its own files would have to be published; there are none.
- **NVIDIA**: on Linux `torch` (extra `embeddings`) brings NVIDIA's libraries unless it is installed from PyTorch's own index without them.
  They are not free software, and their terms limit who may hand them out. iai-daemon does not need them.
"""
_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Package:
    """One package as pip resolves it; `direct`: one that we name ourselves."""

    name: str
    version: str
    licence: str
    direct: bool


def project() -> Mapping[str, Sequence[str]]:
    """The names of the direct dependencies: of the package under "", and of each extra."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": told["dependencies"], **told["optional-dependencies"]}
    return {extra: sorted(named(each) for each in wanted) for extra, wanted in groups.items()}


def named(requirement: str) -> str:
    """The name in a requirement, as it is compared."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]).lower()


def resolve(extra: str) -> list[Package]:
    """What pip would install with this extra, from the metadata alone. Raises CalledProcessError where it reaches no index."""
    wanted = f"{ROOT}[{extra}]" if extra else str(ROOT)
    options = ["--dry-run", "--ignore-installed", "--quiet", "--disable-pip-version-check", "--report", "-"]
    asked = [sys.executable, "-m", "pip", "install", *options, wanted]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=_SECONDS)
    direct = {name for names in project().values() for name in names}
    found = [each["metadata"] for each in json.loads(done.stdout)["install"]]
    packages = [
        Package(each["name"], each["version"], licence(each), named(each["name"]) in direct) for each in found
    ]
    return sorted(
        (each for each in packages if each.name != "iai-daemon"), key=lambda each: each.name.lower()
    )


def licence(metadata: Mapping[str, object]) -> str:
    """What a package says of itself: as an SPDX expression, else in a word, else by its classifiers."""
    expression, word = str(metadata.get("license_expression") or ""), str(metadata.get("license") or "")
    classifiers = metadata.get("classifier")
    said = [str(each) for each in classifiers] if isinstance(classifiers, list) else []
    kinds = [each.rpartition(" :: ")[2] for each in said if each.startswith("License ::")]
    short = word if len(word) < 60 and "\n" not in word else ""
    if "NVIDIA" in expression + word.upper():
        return "NVIDIA's own"
    return (
        expression
        or _SPDX.get(short, "")
        or " OR ".join(_SPDX.get(each, each) for each in kinds)
        or short
        or "not said"
    )


_SPDX = {
    "Apache 2.0 License": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    **{each: each for each in (*FREE, "LGPL-3.0-or-later", "MPL-2.0 AND MIT")},
}


def parts(expression: str) -> set[str]:
    """The licences of which an expression speaks."""
    return {each.strip(" ()") for each in re.split(r" AND | OR ", expression)}


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_tables()]) + "\n"


def _tables() -> Iterator[str]:
    base = resolve("")
    yield from _table("## Always", base)
    for extra in project():
        if extra:
            yield ""
            more = [each for each in resolve(extra) if each.name not in {other.name for other in base}]
            yield from _table(f"## With the extra `{extra}`", more)


def _table(head: str, packages: Sequence[Package]) -> Iterator[str]:
    yield from (head, "", "| package | version | licence |", "|---|---|---|")
    for each in packages:
        yield f"| {f'**{each.name}**' if each.direct else each.name} | {each.version} | {each.licence} |"


if __name__ == "__main__":
    sys.stdout.write(page())
