"""The courier: a child process of the daemon that talks to the calendar's backend, or reads an iCalendar, and keeps no state that
counts. `python -P -m iai_daemon.agenda.slots.courier --home DIR`; the daemon imports none of this."""
