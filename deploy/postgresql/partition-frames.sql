-- Splits the table of frames into sixteen by a hash of the analysis, with no other program connected:
--   psql -v ON_ERROR_STOP=1 -f partition-frames.sql ferphq
-- The rows are copied, so the disk must hold the table twice for as long as it takes.
BEGIN;
ALTER TABLE frames RENAME TO frames_whole;
ALTER TABLE frames_whole RENAME CONSTRAINT pk_frames TO pk_frames_whole;
CREATE TABLE frames (LIKE frames_whole INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY HASH (analysis_id);
DO $$ BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format(
            'CREATE TABLE frames_%s PARTITION OF frames FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part
        );
    END LOOP;
END $$;
INSERT INTO frames SELECT * FROM frames_whole;
ALTER TABLE frames ADD CONSTRAINT pk_frames PRIMARY KEY (analysis_id, idx);
ALTER TABLE frames ADD CONSTRAINT fk_frames_analysis_id_analyses
    FOREIGN KEY (analysis_id) REFERENCES analyses (id) ON DELETE CASCADE;
DROP TABLE frames_whole;
CREATE TRIGGER frames_written_once BEFORE UPDATE ON frames FOR EACH ROW EXECUTE FUNCTION frames_written_once();
COMMIT;
