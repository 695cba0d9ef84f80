"""The ONNX project's own checker, shapes inferred strictly: python3 tests/onnx/check.py FILE...; prints what each holds as JSON."""
import collections
import json
import sys

import onnx

for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    print(json.dumps({"opset": model.opset_import[0].version, "ops": sorted({n.op_type for n in model.graph.node}),
                      "nodes": collections.Counter(n.op_type for n in model.graph.node),
                      "meta": {p.key: p.value for p in model.metadata_props},
                      "input": [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim],
                      "outputs": {o.name: [d.dim_param or d.dim_value for d in o.type.tensor_type.shape.dim] for o in model.graph.output}}))
