-- Purpose: discard the results of listings that discard_stale_sources removed. Older results never replace newer ones.
-- Safe to repeat: yes.
delete from loaded_result
where
    not exists (
        select 1 from loaded_source
        where
            loaded_source.bksb_user_id = loaded_result.bksb_user_id
            and loaded_source.source = loaded_result.source
    );
