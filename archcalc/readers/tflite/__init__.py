"""Files of TensorFlow Lite (``.tflite``, now LiteRT).

`schema` decodes a file to records. `graph` collects the nodes of ONNX that the functions in `operators` make of each
operator, with the channels of maps first; `decode` reads these nodes as `archcalc.readers.onnx` reads those of its
files. The numbers of weights stay in the file until a run needs them (`buffers`).
"""
