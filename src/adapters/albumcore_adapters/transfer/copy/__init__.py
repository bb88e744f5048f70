"""Moving a whole store: from SQLite to PostgreSQL and back, with ids, versions and positions kept."""
