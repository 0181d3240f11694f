"""Controls of PHQ heads: what of the scores is told without the subject, and which claims of a head stand."""
