"""The store's queries, one module a subject; `db.store.Store` joins them."""
