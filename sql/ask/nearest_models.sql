-- A row is one of the three known models whose ids come nearest to one that was asked for, the nearest first: the same name but
-- for case and marks, then names that begin with what was asked or hold it, then names spelled alike; of equals the one of the
-- same owner, one that was not refused, the one that is downloaded most. A refused model has the code of its reject.
with

asked_ids as (
    select unnest($asked) as asked_id
),

asked_names as (
    select
        asked_id,
        lower(split_part(asked_id, '/', 1)) as asked_owner,
        regexp_replace(lower(split_part(asked_id, '/', -1)), '[^a-z0-9]', '', 'g') as asked_name
    from asked_ids
),

names as (
    select
        model_id,
        reject_code,
        downloads,
        lower(split_part(model_id, '/', 1)) as owner,
        regexp_replace(lower(split_part(model_id, '/', -1)), '[^a-z0-9]', '', 'g') as name
    from known_models
),

likenesses as (
    select
        asked_names.asked_id,
        names.model_id,
        names.reject_code,
        names.downloads,
        names.name,
        names.owner = asked_names.asked_owner as same_owner,
        case
            when names.name = asked_names.asked_name then 3
            when length(asked_names.asked_name) >= 4 and starts_with(names.name, asked_names.asked_name) then 2
            when length(asked_names.asked_name) >= 4 and contains(names.name, asked_names.asked_name) then 1
            when least(length(names.name), length(asked_names.asked_name))
                < 0.6 * greatest(length(names.name), length(asked_names.asked_name))
                then 0  -- no spelling makes up for that many letters
            else 1 - levenshtein(names.name, asked_names.asked_name)
                / greatest(length(names.name), length(asked_names.asked_name), 1)
        end as likeness
    from asked_names
    cross join names
)

select
    asked_id,
    model_id,
    reject_code
from likenesses
where likeness >= 0.6
qualify row_number() over (
    partition by asked_id
    order by likeness desc, same_owner desc, reject_code is null desc, downloads desc nulls last, length(name), model_id
) <= 3
order by
    asked_id,
    likeness desc,
    same_owner desc,
    reject_code is null desc,
    downloads desc nulls last,
    length(name),
    model_id;
