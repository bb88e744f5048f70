"""Authentication: JWTs, service tokens, client assertions and capability tokens are verified and yield a `Caller`."""
