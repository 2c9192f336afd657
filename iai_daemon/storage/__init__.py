"""Engines: how a store's file or server is opened, checked and brought to its schema."""
