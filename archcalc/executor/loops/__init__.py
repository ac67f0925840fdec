"""Networks run once more, the slow way: plain loops over every element, on numbers that count what is done to them.

Nothing is estimated here and nothing is known beforehand: a multiplication is counted because two numbers were
multiplied, and a tensor has the shape of the places that a loop wrote to. One file per family of operators, as in
`archcalc.ops`; each function reads as the textbook's definition of its layer.
"""

from archcalc.executor.loops.run import Measured, measure, measure_layer

__all__ = ["Measured", "measure", "measure_layer"]
