-- A row is one shape of the question that is listed but never recommended, and why.
select
    provider,
    shape,
    not_recommended_reason as reason
from shape_remarks
where ($provider is null or provider = $provider)
    and ($shape is null or shape = $shape)
order by provider, shape
limit 5;
