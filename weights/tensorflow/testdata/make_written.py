"""What TensorFlow writes of the tensors that write_test.go writes: make_written.py
(pip install tensorflow-cpu; written by 2.21.0).

  written.sha256  the SHA-256 of the index and of the shard

With a checkpoint's name as argument, its tensors as TensorFlow reads them are printed:
name, type, shape, and the SHA-256 of the bytes (of a text, the text's).
"""
import glob, hashlib, os, sys, tempfile, numpy as np, tensorflow as tf
HERE = os.path.dirname(os.path.abspath(__file__))


def bits(n, i):
    k = np.arange(n, dtype=np.uint64)
    return ((((i * 31 + k) * 2654435761) & 0xFFFFFFFF) >> np.uint64(2)).astype(np.uint32).view(np.float32)


def tensors():
    shapes = [('net/scalar', []), ('net/empty', [0, 3]), ('net/conv/weights', [3, 2, 2, 4]), ('a', [5])]
    shapes += [(f'net/a_long_scope_of_a_layer/block_{i}/weights', [1 + i % 3]) for i in range(9000)]
    all = {name: bits(int(np.prod(shape)), i).reshape(shape) for i, (name, shape) in enumerate(shapes)}
    return {**all, 'inception.architecture': 'inception_v4', 'inception.labels': 'Straße \0 ' * 100, 'zuletzt': ''}


if len(sys.argv) > 1:
    r = tf.train.load_checkpoint(sys.argv[1])
    for name in sorted(r.get_variable_to_dtype_map()):
        v = np.asarray(r.get_tensor(name))
        data = v.item() if v.dtype == object else v.tobytes()
        print(name, 'string' if v.dtype == object else v.dtype, list(v.shape), hashlib.sha256(data).hexdigest(), sep='\t')
else:
    all = tensors()
    names = sorted(all, key=str.encode)
    with tempfile.TemporaryDirectory() as folder:
        p = os.path.join(folder, 'written')
        tf.raw_ops.SaveV2(prefix=p, tensor_names=names, shape_and_slices=[''] * len(names), tensors=[tf.constant(all[n]) for n in names])
        sums = [hashlib.sha256(open(p + ending, 'rb').read()).hexdigest() for ending in ('.index', '.data-00000-of-00001')]
    open(os.path.join(HERE, 'written.sha256'), 'w').write('\n'.join(sums) + '\n')
