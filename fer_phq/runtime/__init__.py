"""How networks run where a recording is analysed: onnxruntime, and the threads it may use."""
