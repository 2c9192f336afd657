"""The switch: a `.pth` file in site-packages, which every Python of this environment reads as it starts, whatever its environment."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "iai_daemon_measured.pth"
_CHILD = Path(__file__).with_name("child.py")
_CONFIG = """\
[run]
branch = true
parallel = true
sigterm = true
concurrency = thread
data_file = {data}
include =
    {root}/iai_daemon/*
    {root}/wrappers/*
disable_warnings = no-data-collected,module-not-measured,module-not-imported,already-imported,couldnt-parse

[report]
exclude_also =
    if TYPE_CHECKING:
    class .*\\(Protocol.*\\):
"""


def pth(config: Path, runner: int) -> str:
    """One line: site takes no more. What goes wrong in it would be said on the standard error of every process."""
    load = f"names = {{'__name__': 'measured'}}; exec(open({str(_CHILD)!r}, encoding='utf-8').read(), names)"
    return f"import os; {load}; names['start']({str(config)!r}, {runner})\n"


@contextmanager
def measuring(root: Path, folder: Path, packages: Path | None = None) -> Iterator[Path]:
    """Inside, every Python of this environment is measured into `folder`; the configuration that says how. `packages`: where the
    switch lies instead of site-packages.

    Nothing is left of the switch afterwards, and what a killed runner left does nothing.
    """
    config = folder / "coveragerc"
    config.write_text(_CONFIG.format(data=folder / "seen", root=root), encoding="utf-8")
    switch = (packages or Path(sysconfig.get_path("purelib"))) / NAME
    switch.write_text(pth(config, os.getpid()), encoding="utf-8")
    try:
        yield config
    finally:
        switch.unlink(missing_ok=True)
