"""What a caller sees, takes, sends and claims: functions over the index, the catalogue and the caller."""
