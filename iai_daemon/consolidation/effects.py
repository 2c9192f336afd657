"""What a night may do to a memory, by the names under which journal and reports keep it. Each is what one pass makes."""

EXPIRED = "expired"
SUPERSEDED = "superseded"
MERGED = "merged"
ARCHIVED = "archived"
GIST = "gist"
LEARNT = "learnt"
PROFILED = "profiled"

# The counters of a report for whose sake people are told how to take a night back.
UNDOABLE = (
    "expired_pruned",
    "superseded_gc",
    "duplicates_merged",
    "archived",
    "links_added",
    "gists_written",
)
