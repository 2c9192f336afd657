"""Services have their homes on a disk, as people's do."""

from tests.disk import tmp_path

__all__ = ["tmp_path"]
