-- Purpose: when bksb last gave an answer that was not complete: it moves no watermark in bksb.account_source, and yet
-- an older answer may not replace what it brought.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.incomplete_answer (
    bksb_user_id bigint not null,
    source text not null check (source in ('initial', 'diagnostic', 'v5')),
    answered_at timestamptz not null,
    primary key (bksb_user_id, source)
);
