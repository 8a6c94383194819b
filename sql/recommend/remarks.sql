-- A row is one shape of the question that is listed but never recommended, and why.
select
    remarks.provider,
    remarks.shape,
    remarks.not_recommended_reason as reason
from shape_remarks as remarks
semi join asked_shapes using (provider, shape)
order by remarks.provider, remarks.shape
limit 5;
