-- Purpose: what an answer held that was dropped is dropped with it: older never replaces newer.
-- Safe to repeat: yes.
delete from loaded_result
where
    not exists (
        select 1 from loaded_source
        where
            loaded_source.bksb_user_id = loaded_result.bksb_user_id
            and loaded_source.source = loaded_result.source
    );
