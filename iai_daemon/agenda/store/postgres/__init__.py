"""The agenda on a server, which the daemons of several machines share."""
