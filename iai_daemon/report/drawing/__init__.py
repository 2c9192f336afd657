"""SVG from plain values: the report's pictures. Pure."""
