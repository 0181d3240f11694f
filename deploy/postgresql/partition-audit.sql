-- Makes the audit a table of parts by the entries' numbers, ten million each, with no other program connected:
--   psql -v ON_ERROR_STOP=1 -f partition-audit.sql ferphq
-- The present table becomes the first part, without a copy; a later part is added the same way before it is needed.
BEGIN;
ALTER TABLE audit RENAME TO audit_1;
ALTER TABLE audit_1 RENAME CONSTRAINT pk_audit TO pk_audit_1;
ALTER INDEX ix_audit_object_id RENAME TO ix_audit_1_object_id;
ALTER INDEX ix_audit_settings RENAME TO ix_audit_1_settings;
DROP TRIGGER audit_written_once ON audit_1;
CREATE TABLE audit (LIKE audit_1 INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (id);
ALTER SEQUENCE audit_id_seq OWNED BY audit.id;
ALTER TABLE audit ADD CONSTRAINT pk_audit PRIMARY KEY (id);
CREATE INDEX ix_audit_object_id ON audit (object_id);
CREATE INDEX ix_audit_settings ON audit (id) WHERE object_kind = 'setting';
ALTER TABLE audit ATTACH PARTITION audit_1 FOR VALUES FROM (MINVALUE) TO (10000001);
CREATE TABLE audit_2 PARTITION OF audit FOR VALUES FROM (10000001) TO (20000001);
CREATE TRIGGER audit_written_once BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_written_once();
COMMIT;
