-- Machines that hold the replicas, each replica whole on one machine; null where a machine is too small for one.
-- Units: gpus, gpus_per_replica, gpus_per_node GPUs; result machines.
-- Source: definition: a replica's GPUs are on one machine.
-- Example: whole_nodes(24, 4, 8) = 3
-- Example: whole_nodes(24, 4, 2) = null
create or replace macro whole_nodes(gpus, gpus_per_replica, gpus_per_node) as
    ceil((gpus / gpus_per_replica) / nullif(floor(gpus_per_node / gpus_per_replica), 0e0) - 1e-9);
