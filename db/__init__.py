"""The store: tables, migrations and named queries. `db.store.Store` is the door; no SQL elsewhere."""
