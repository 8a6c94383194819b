-- A row is one shape with the GPUs and machines that the kaito policy asks for, for the architecture $architecture at $context
-- tokens.
from kaito($architecture, context := $context)
where ($provider is null or provider = $provider)
    and ($shape is null or shape = $shape);
