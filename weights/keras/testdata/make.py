"""Small models of Keras 3 and 2 with a model inside, in all files that Keras writes.

  python3 make.py   pip install tensorflow-cpu tf-keras h5py (written by keras 3.15.1, tf-keras 2.21.0, h5py 3.14.0)
"""
import json, os, numpy as np
HERE = os.path.dirname(os.path.abspath(__file__)); at = lambda n: os.path.join(HERE, n); out = {}
import keras, tf_keras
def build(k):
    k.utils.set_random_seed(1); L = k.layers
    i = k.Input((8, 8, 3)); x = L.BatchNormalization(scale=False, name='batch_normalization_7')(L.Conv2D(2, 3, use_bias=False, name='conv2d_7')(i))
    inner = k.Model(i, L.Activation('relu', name='act')(x), name='inner')
    i = k.Input((8, 8, 3)); x = L.GlobalAveragePooling2D()(inner(i)); x = L.Dropout(.5)(L.Dense(3, activation='relu', name='dense_4')(x))
    m = k.Model(i, L.Dense(2, activation='softmax', name='dense_9')(x)); m.compile('adam', 'mse'); m.fit(np.ones((2, 8, 8, 3)), np.ones((2, 2)), verbose=0)
    return m
for k, name, files in ((keras, 'keras3', ('.h5', '.keras', '.weights.h5')), (tf_keras, 'keras2', ('.h5', '_weights.h5'))):
    m = build(k); values = {}
    for l in m._flatten_layers():
        if hasattr(l, 'layers'): continue
        for v in l.weights:
            if 'seed' in v.name: continue
            inside = 'inner/' if l.name.endswith('_7') else ''
            values[f"{inside}{l.name}/{v.name.split('/')[-1].split(':')[0]}"] = ['float32', [float(x) for x in np.asarray(v).flatten()]]
    for f in files:
        (m.save if 'weights' not in f else m.save_weights)(at(name + f)); out[name + f] = dict(values)
json.dump(out, open(at('expected.json'), 'w'))
