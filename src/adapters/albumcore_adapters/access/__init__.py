"""Authorization: what a caller sees, takes, sends and claims, as functions over index, catalogue and caller."""
