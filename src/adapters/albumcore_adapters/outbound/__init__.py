"""HTTP requests to addresses that users name, guarded, and the metadata that report providers publish."""
