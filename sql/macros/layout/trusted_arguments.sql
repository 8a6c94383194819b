-- The arguments of a layout with the one that a repository needs whose own code the engine has to run. Whoever pastes them runs
-- that code: shapefit itself never does. Where it is not known whether it is needed, nothing is added, and the engine says so.
-- Units: none.
-- Source: vLLM engine arguments.
-- Example: trusted_arguments('--max-model-len 8192', true) = '--max-model-len 8192 --trust-remote-code'
-- Example: trusted_arguments('--max-model-len 8192', false) = '--max-model-len 8192'
-- Example: trusted_arguments('--max-model-len 8192', null) = '--max-model-len 8192'
create or replace macro trusted_arguments(arguments, needs_remote_code) as
    concat_ws(' ', arguments, if(needs_remote_code, '--trust-remote-code', null));
