"""Other formats than the spec language: from a model to a graph.

Each format has a package that decodes its files to calls of operators and translates these calls to steps. What the
formats share is here: `steps` are the operations of a model on tensors as the file has them, with their batch axis;
`batch` finds the batch axis of every tensor; `lowering` writes the steps as the layers of a graph, without it.
`archive` reads zip files that are not trusted.
"""
