-- A row is one shape with the sequences that the lmi policy finds room for, for the architecture $architecture at $context
-- tokens.
from lmi($architecture, context := $context)
where ($provider is null or provider = $provider)
    and ($shape is null or shape = $shape);
