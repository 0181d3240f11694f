"""One module a schema revision, numbered. A revision that has been released is never edited."""
