"""Definitions of the operators by plain loops over every element, on numbers that count the operations on them.

Nothing is computed by a formula: a multiplication is counted because two numbers were multiplied, and the shape of a
tensor follows from the indices that a loop wrote to. There is one file per family of operators, as in `archcalc.ops`;
each function follows the textbook definition of its layer.
"""

from archcalc.executor.loops.run import LayerMeasurement, measure, measure_layer

__all__ = ["LayerMeasurement", "measure", "measure_layer"]
