-- Gives every coefficient the value of the candidate set.
update speed_coefficients
set value = candidates.value
from candidates
where candidates.scope = speed_coefficients.scope
    and candidates.key = speed_coefficients.key
    and candidates.name = speed_coefficients.name;
