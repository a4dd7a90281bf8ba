"""The order of model.layers in the networks of keras.applications, by which Keras 3 stores
weights: make_keras_order.py (pip install tensorflow-cpu keras; written by Keras 3.15.1)."""
import json, os, keras

names = {}
for name, network in (('inception_v3', keras.applications.InceptionV3), ('inception_resnet_v2', keras.applications.InceptionResNetV2)):
    keras.backend.clear_session()
    layers = network(weights=None).layers
    names[name] = {kind: [l.name for l in layers if type(l).__name__ == kind] for kind in ('Conv2D', 'BatchNormalization')}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'keras_order.json'), 'w') as f:
    json.dump(names, f, separators=(',', ':'))
