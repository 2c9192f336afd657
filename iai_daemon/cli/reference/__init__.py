"""The pages of docs/reference that are made of the code: what is said of a command, a setting, a tool or an error stands in one
place, where it is made true. `python -m iai_daemon.cli.reference DIR` writes them, `make reference` into docs/reference."""
