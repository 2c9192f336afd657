"""The report as a page that renews itself, served to one person on this machine."""
