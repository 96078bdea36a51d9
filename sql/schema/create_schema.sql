-- Purpose: the schema that holds everything bksb sync writes.
-- Safe to repeat: yes.
create schema if not exists bksb;
