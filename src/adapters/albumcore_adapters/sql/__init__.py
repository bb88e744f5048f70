"""The database port: connections and transactions of SQLite and PostgreSQL, read snapshots, numbered migrations."""
