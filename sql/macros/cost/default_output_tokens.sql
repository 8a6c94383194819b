-- Answer tokens of the load that is taken where none is stated: a share of the context; its prompt is the rest.
-- Units: tokens; share.
-- Source: choice of the product (output_share of the policies catalog).
-- Example: default_output_tokens(8192, 0.25e0) = 2048
-- Example: default_output_tokens(2, 0.1e0) = 1
create or replace macro default_output_tokens(context, output_share) as
    greatest(1, (context * output_share)::bigint);
