"""A small model by the onnx package, with its values inside and in a file beside: make.py (pip install onnx; written by 1.23.2)."""
import json, os, numpy as np, onnx
from onnx import helper as h, numpy_helper as n, TensorProto as T
HERE = os.path.dirname(os.path.abspath(__file__)); at = lambda x: os.path.join(HERE, x); r = np.random.default_rng(1)
v = dict(w=r.normal(size=(4, 3, 3, 3)).astype('f4'), gamma=r.random(4).astype('f4'), beta=r.random(4).astype('f4'), mean=r.random(4).astype('f4'), var=r.random(4).astype('f4'), fc=r.normal(size=(2, 4)).astype('f2'), bias=r.random(2).astype('f4'))
nodes = [h.make_node('Conv', ['x', 'w'], ['c'], strides=[2, 2]), h.make_node('BatchNormalization', ['c', 'gamma', 'beta', 'mean', 'var'], ['b'], epsilon=1e-3), h.make_node('Relu', ['b'], ['r']),
         h.make_node('GlobalAveragePool', ['r'], ['g']), h.make_node('Flatten', ['g'], ['f']), h.make_node('Gemm', ['f', 'fc', 'bias'], ['y'], transB=1), h.make_node('Softmax', ['y'], ['p'])]
inits = [n.from_array(a, k) for k, a in v.items()] + [h.make_tensor('listed', T.FLOAT, [3], [1.5, 2.5, 3.5])]
g = h.make_graph(nodes, 'g', [h.make_tensor_value_info('x', T.FLOAT, ['n', 3, 9, 9])], [h.make_tensor_value_info('p', T.FLOAT, ['n', 2])], inits)
m = h.make_model(g, opset_imports=[h.make_opsetid('', 17)], ir_version=8); h.set_model_props(m, {'author': 'make.py'})
onnx.save(m, at('inside.onnx'))
if os.path.exists(at('external.data')): os.remove(at('external.data'))
onnx.save(m, at('external.onnx'), save_as_external_data=True, location='external.data', size_threshold=0)
json.dump({**{k: [float(x) for x in a.astype('f8').flatten()] for k, a in v.items()}, 'listed': [1.5, 2.5, 3.5]}, open(at('expected.json'), 'w'))
