"""Keras models: ``.keras`` files, their descriptions in JSON, and HDF5 files that have a description.

`config` decodes the description to layers and their calls; `flat_model` brings the calls of nested models in one order;
`layers` converts each to operators, through the `view` of one call; `graph` puts them together. `weights` finds the
stored arrays. Keras has the batch first in every tensor, so shapes need no search for it: it is left out.
"""
