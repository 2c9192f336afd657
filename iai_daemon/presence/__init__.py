"""Who is here: heartbeat files read, judged and watched."""
