"""Files of TensorFlow Lite (``.tflite``, now LiteRT).

`schema` decodes a file to records. `graph` writes its operators as nodes of ONNX, with the channels of maps first, which
the functions in `operators` make of each; `archcalc.readers.onnx` reads these nodes as those of its files. The numbers
of weights stay in the file until a run needs them (`buffers`).
"""
