"""`ZooModel`, the base of every architecture, and the parts that it is made of."""
