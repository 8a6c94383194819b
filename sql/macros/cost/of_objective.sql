-- The one of three figures that belongs to an objective's layout: cost, performance or balanced.
-- Units: those of the figures.
-- Source: definition.
-- Example: of_objective('cost', 1, 2, 3) = 1
-- Example: of_objective('performance', 1, 2, 3) = 2
-- Example: of_objective('balanced', 1, 2, 3) = 3
create or replace macro of_objective(objective, cost, performance, balanced) as
    case objective
        when 'cost' then cost
        when 'performance' then performance
        else balanced
    end;
