"""Checkpoints of TensorFlow and what is in them: make.py (pip install tensorflow-cpu; written by 2.21.0).

  v1.ckpt, v2.ckpt.*            variables of several types, some partitioned, beside a step
  sharded_v1.ckpt-*, sharded_v2.ckpt.*  the same by a saver that writes a file a device
  objects.*                     tf.train.Checkpoint: the names of TensorFlow 2
  graph.pb                      a frozen graph of TensorFlow 1's form;  saved/  a SavedModel
  graph_2015.pb                 a frozen graph of the form of classify_image_graph_def.pb
  expected.json                 name: [dtype, shape, values]
"""
import json, os, numpy as np, tensorflow as tf
v1 = tf.compat.v1; HERE = os.path.dirname(os.path.abspath(__file__)); at = lambda n: os.path.join(HERE, n)
r = np.random.default_rng(1)
values = {'net/conv/weights': r.normal(size=(3, 2, 2, 4)).astype(np.float32), 'net/conv/BatchNorm/beta': r.normal(size=4).astype(np.float32),
          'net/half': r.normal(size=(2, 3)).astype(np.float16), 'net/brain': r.normal(size=(2, 3)).astype(tf.bfloat16.as_numpy_dtype),
          'net/double': r.normal(size=(5,)), 'net/scalar': np.float32(2.5), 'net/empty': np.zeros((0, 3), np.float32), 'net/ones': np.ones((40, 3), np.float32)}
parted = {'net/rows': r.normal(size=(7, 3)).astype(np.float32), 'net/columns': r.normal(size=(2, 300)).astype(np.float32)}
for sharded in (False, True):
    with tf.Graph().as_default(), v1.Session(config=v1.ConfigProto(device_count={'CPU': 2})) as s:
        for i, (k, a) in enumerate(values.items()):
            with tf.device(f'/cpu:{i % 2}' if sharded else None): v1.get_variable(k, initializer=a, use_resource=False)
        for k, a in parted.items():
            with tf.device('/cpu:1' if sharded else None):
                v1.get_variable(k, shape=a.shape, dtype=a.dtype, initializer=lambda shape, dtype, partition_info, a=a: tf.constant(a[tuple(slice(o, o + n) for o, n in zip(partition_info.var_offset, shape))]),
                                partitioner=v1.fixed_size_partitioner(3, axis=1 if k == 'net/columns' else 0), use_resource=False)
        v1.get_variable('global_step', initializer=np.int64(1234), use_resource=False); s.run(v1.global_variables_initializer())
        for n, w in (('v1', v1.train.SaverDef.V1), ('v2', v1.train.SaverDef.V2)):
            # Version 1 has no bfloat16.
            v1.train.Saver([v for v in v1.global_variables() if n == 'v2' or v.dtype.base_dtype != tf.bfloat16], write_version=w, sharded=sharded).save(s, at(('sharded_' if sharded else '') + n + '.ckpt'), write_meta_graph=False, write_state=False)
m = tf.Module(); m.kernel = tf.Variable(values['net/conv/weights']); m.parts = [tf.Variable(values['net/half'])]
tf.train.Checkpoint(model=m).write(at('objects'))
entry = lambda a: [str(a.dtype), list(a.shape), [float(v) for v in np.asarray(a, np.float64).flatten()]]
json.dump(dict(v1={k: entry(np.asarray(v)) for k, v in {**values, **parted, 'global_step': np.int64(1234)}.items() if k != 'net/brain'},
               v2={k: entry(np.asarray(v)) for k, v in {**values, **parted, 'global_step': np.int64(1234)}.items()},
               objects={'model/kernel/.ATTRIBUTES/VARIABLE_VALUE': entry(values['net/conv/weights']), 'model/parts/0/.ATTRIBUTES/VARIABLE_VALUE': entry(values['net/half'])}),
          open(at('expected.json'), 'w'))
with tf.Graph().as_default() as g, v1.Session() as s:
    x = v1.placeholder(tf.float32, [None, 9, 9, 3], name='input'); c = lambda n, a: tf.constant(np.asarray(a, np.float32), name=n)
    y = tf.nn.conv2d(x, c('w', r.normal(size=(3, 3, 3, 4))), 2, 'VALID'); y = v1.nn.fused_batch_norm(y, c('gamma', np.ones(4)), c('beta', r.random(4)), c('mean', r.random(4)), c('variance', r.random(4)), epsilon=1e-3, is_training=False)[0]
    y = tf.nn.relu(y); y = tf.nn.conv2d(y, c('v', r.normal(size=(1, 1, 4, 2))), 1, 'SAME') * c('scale', r.random(2)) + c('offset', r.random(2)); y = tf.reduce_mean(tf.nn.relu(y), [1, 2])
    tf.nn.softmax(tf.nn.bias_add(tf.matmul(y, c('fc', r.normal(size=(2, 3)))), c('bias', r.random(3))), name='output')
    open(at('graph.pb'), 'wb').write(g.as_graph_def().SerializeToString())
class M(tf.Module):
    def __init__(self): super().__init__(); self.w = tf.Variable(tf.ones((3, 3, 3, 2)), name='w'); self.b = tf.Variable([1., 2.], name='b')
    @tf.function(input_signature=[tf.TensorSpec([None, 9, 9, 3], tf.float32)])
    def __call__(self, x): return tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(x, self.w, 2, 'VALID') + self.b), [1, 2])
m = M(); tf.saved_model.save(m, at('saved'), signatures=m.__call__)
import shutil; shutil.rmtree(at('saved/assets'), ignore_errors=True)

# The operations of 2015, which no newer TensorFlow writes but each still runs.
g = v1.GraphDef(); g.versions.producer = 5
def node(op, name, *inputs, **attrs):
    n = g.node.add(op=op, name=name); n.input.extend(inputs)
    for k, v in attrs.items():
        if isinstance(v, tf.DType): n.attr[k].type = v.as_datatype_enum
        elif isinstance(v, bool): n.attr[k].b = v
        elif isinstance(v, float): n.attr[k].f = v
        elif isinstance(v, str): n.attr[k].s = v.encode()
        elif isinstance(v, list): n.attr[k].list.i.extend(v)
        else: n.attr[k].tensor.CopyFrom(tf.make_tensor_proto(v))
    return name
F = tf.float32; r = np.random.default_rng(2)
constant = lambda name, v: node('Const', name, dtype=tf.as_dtype(np.asarray(v).dtype), value=np.asarray(v))
node('Const', 'DecodeJpeg/contents', dtype=tf.string, value=np.asarray(b''))
node('DecodeJpeg', 'DecodeJpeg', 'DecodeJpeg/contents'); node('Cast', 'Cast', 'DecodeJpeg', SrcT=tf.uint8, DstT=F)
node('ExpandDims', 'ExpandDims', 'Cast', constant('ExpandDims/dim', np.int32(0)), T=F)
node('ResizeBilinear', 'ResizeBilinear', 'ExpandDims', constant('ResizeBilinear/size', np.int32([9, 9])), T=F)
node('Sub', 'Sub', 'ResizeBilinear', constant('Sub/y', np.float32(128)), T=F); node('Mul', 'Mul', 'Sub', constant('Mul/y', np.float32(1 / 128)), T=F)
node('Conv2D', 'conv/Conv2D', 'Mul', constant('conv/conv2d_params', r.normal(size=(3, 3, 3, 4)).astype(np.float32)), T=F, strides=[1, 2, 2, 1], padding='VALID')
node('BatchNormWithGlobalNormalization', 'conv/batchnorm', 'conv/Conv2D', *(constant('conv/batchnorm/' + n, r.random(4).astype(np.float32)) for n in ('moving_mean', 'moving_variance', 'beta', 'gamma')),
     T=F, variance_epsilon=1e-3, scale_after_normalization=False)
node('CheckNumerics', 'conv/CheckNumerics', 'conv/batchnorm', T=F, message=''); node('Identity', 'conv/control_dependency', 'conv/batchnorm', '^conv/CheckNumerics', T=F); node('Relu', 'conv', 'conv/control_dependency', T=F)
node('AvgPool', 'pool', 'conv', T=F, ksize=[1, 4, 4, 1], strides=[1, 1, 1, 1], padding='VALID'); node('Reshape', 'pool/_reshape', 'pool', constant('pool/_reshape/shape', np.int32([1, 4])), T=F)
node('MatMul', 'softmax/logits/MatMul', 'pool/_reshape', constant('softmax/weights', r.normal(size=(4, 3)).astype(np.float32)), T=F)
node('BiasAdd', 'softmax/logits', 'softmax/logits/MatMul', constant('softmax/biases', r.random(3).astype(np.float32)), T=F); node('Softmax', 'softmax', 'softmax/logits', T=F)
with tf.Graph().as_default() as graph, v1.Session() as s:
    v1.import_graph_def(g, name=''); assert s.run('softmax:0', {'ExpandDims:0': np.zeros((1, 12, 20, 3))}).shape == (1, 3)
open(at('graph_2015.pb'), 'wb').write(g.SerializeToString())
