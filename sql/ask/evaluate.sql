-- A row is one configuration of the table `configurations`, evaluated.
from evaluate('configurations');
