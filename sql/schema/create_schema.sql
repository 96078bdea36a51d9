-- Purpose: create the schema for everything that bksb sync writes.
-- Safe to repeat: yes.
create schema if not exists bksb;
