"""What a night may do to a memory, by the names under which journal and reports keep it. Each is what one pass makes."""

EXPIRED = "expired"
SUPERSEDED = "superseded"
MERGED = "merged"
ARCHIVED = "archived"
GIST = "gist"
LEARNT = "learnt"
PROFILED = "profiled"
