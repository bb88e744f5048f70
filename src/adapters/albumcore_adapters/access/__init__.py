"""Authorization: what a caller sees, downloads, stores, takes, sends and claims, as functions without HTTP."""
