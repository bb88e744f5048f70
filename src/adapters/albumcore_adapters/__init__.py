"""Adapters around albumcore: stores, directories, the HTTP service and the command line."""
