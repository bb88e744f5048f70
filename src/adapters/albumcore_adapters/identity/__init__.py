"""Who calls: JWTs, service tokens, client assertions and capability tokens, each verified and made a `Caller`."""
