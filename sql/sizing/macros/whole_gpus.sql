-- Whole GPUs: up to the next whole replica.
-- Units: gpus, gpus_per_replica GPUs; result GPUs.
-- Source: definition: a replica is served by all of its GPUs or not at all.
-- Example: whole_gpus(75.35e0, 1) = 76
-- Example: whole_gpus(75.35e0, 8) = 80
create or replace macro whole_gpus(gpus, gpus_per_replica) as
    ceil(gpus / gpus_per_replica - 1e-9) * gpus_per_replica;
