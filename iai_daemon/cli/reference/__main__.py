"""`python -m iai_daemon.cli.reference DIR`: writes every page into that directory."""

from __future__ import annotations

from pathlib import Path

import click

from iai_daemon import atomic
from iai_daemon.cli.reference.pages import pages


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, exists=True, path_type=Path))
def main(directory: Path) -> None:
    """Write the pages of the reference that are made of the code."""
    for name, text in pages().items():
        # As an editor would leave it: others may read it.
        atomic.write(directory / name, text.encode(), mode=0o644)
        click.echo(directory / name)


if __name__ == "__main__":
    main()
