"""Notes of a project about some topics, and notes about nothing in common: what links and gists are tested on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iai_daemon.memory.record import Record
from iai_daemon.memory.stores import Stores
from tests.consolidation.evening import remember
from tests.fakes import NOON

BACKUPS = (
    "The nightly backup of the ledger database goes to the bucket cold-storage.",
    "A backup of the ledger database is kept in cold-storage for 30 days.",
    "Restoring the ledger database from a backup in cold-storage takes 40 minutes.",
    "Only Ingrid may delete a backup of the ledger database from cold-storage.",
)
INVOICES = (
    "Invoices are rendered by the typesetter service as PDF.",
    "The typesetter service renders invoices with the corporate fonts.",
    "When the typesetter fails, invoices are rendered again after an hour.",
    "Invoices that the typesetter service has rendered are signed before they are mailed.",
)
ALONE = (
    "Lunch is at noon in the small kitchen.",
    "The parrot on the login page is called Ottokar.",
    "Tabs, not spaces, in Makefiles.",
    "Quarterly planning happens in Lisbon.",
    "The intercom code of the back door has four digits.",
)


def made_up_topics(count: int) -> Iterator[tuple[str, ...]]:
    """So many topics of four notes each, all of words of their own."""
    for number in range(count):
        begin = f"{'bdfgklm'[number % 7]}{'aeiou'[number // 7 % 5]}"
        words = [f"{begin}{end}" for end in ("rel", "stok", "plun", "mint", "darv", "quin")]
        yield tuple(f"The {' '.join((words * 2)[at : at + 4])}." for at in (0, 1, 3, 4))


def remember_all(stores: Stores, *texts: Sequence[str], scope: str = "global") -> list[Record]:
    """These, a second apart, the topics one after the other."""
    said = (text for some in texts for text in some)
    return [remember(stores, text, NOON - 6000 + at, scope=scope) for at, text in enumerate(said)]


def links(stores: Stores) -> Iterator[tuple[int, int, str]]:
    """Every link that counts, from its smaller end."""
    for record in stores.memory.export():
        for each in stores.memory.related(record.id):
            if each.kind == "related" and each.record.id > record.id:
                yield record.id, each.record.id, each.reason
