"""Names, shapes and outputs of the networks of other libraries with generated values.

  python3 make_layouts.py torch   pip install torch torchvision timm pretrainedmodels facenet-pytorch: layouts_torch.json.gz
  python3 make_layouts.py keras   pip install tensorflow-cpu: layouts_keras.json.gz, with the description of each model

A value is uniform by the splitmix64 sequence of the FNV-1a hash of "layout:" + name: kernels of convolutions
+-sqrt(6/fan_in), of dense layers +-0.1*sqrt(3/fan_in), variances and gammas [0.5, 1.5), all else +-0.1.
The image is that of golden.Images("", "input", 1, side).
"""
import gzip, json, os, sys, numpy as np
HERE = os.path.dirname(os.path.abspath(__file__))

def uniform(name, n):
    h = 0xcbf29ce484222325
    for b in name.encode(): h = ((h ^ b) * 0x100000001b3) & 0xFFFFFFFFFFFFFFFF
    with np.errstate(over='ignore'):
        z = np.uint64(h) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9); z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB); z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / (1 << 24)

def value(name, shape, first):
    fan = int(np.prod(shape[1:] if first else shape[:-1])) if len(shape) > 1 else 1
    lo, hi = -.1, .1
    if len(shape) == 4: hi = (6 / fan) ** .5; lo = -hi
    elif len(shape) == 2: hi = .1 * (3 / fan) ** .5; lo = -hi
    elif name.endswith(('var', 'variance', 'gamma', 'bn.weight')): lo, hi = .5, 1.5
    return (lo + (hi - lo) * uniform('layout:' + name, int(np.prod(shape)))).astype(np.float32).reshape(shape)

def image(side): return (uniform('input', side * side * 3).astype(np.float32) * 2 - 1).reshape(1, side, side, 3)

def write(kind, networks, how):
    with gzip.GzipFile(os.path.join(HERE, f'layouts_{kind}.json.gz'), 'wb', mtime=0) as f: f.write(json.dumps(dict(how=how, networks=networks)).encode())

def torch_networks():
    import torch, timm, torchvision, pretrainedmodels, facenet_pytorch
    side, out = 139, {}
    def add(name, net, side=side):
        net.eval(); sd = net.state_dict()
        for k, v in sd.items():
            if v.dtype.is_floating_point: sd[k] = torch.from_numpy(value(k, tuple(v.shape), True))
        net.load_state_dict(sd)
        with torch.no_grad(): y = net(torch.from_numpy(image(side).transpose(0, 3, 1, 2).copy()))
        out[name] = dict(side=side, variables={k: [str(v.dtype)[6:], list(v.shape)] for k, v in sd.items()}, output=[float(v) for v in y[0]])
        print(name, y.std().item(), flush=True)
    for n in ('inception_v3', 'inception_v4', 'inception_resnet_v2'): add('timm/' + n, timm.create_model(n, pretrained=False))
    add('torchvision/inception_v3', torchvision.models.inception_v3(weights=None, aux_logits=True, transform_input=False, init_weights=False))
    c4, cr = (sys.modules['pretrainedmodels.models.' + n] for n in ('inceptionv4', 'inceptionresnetv2'))
    for n, net in (('inception_v4', c4.InceptionV4(num_classes=1001)), ('inception_resnet_v2', cr.InceptionResNetV2(num_classes=1001))):
        for a in ('avg_pool', 'avgpool_1a'):
            if hasattr(net, a): setattr(net, a, torch.nn.AdaptiveAvgPool2d(1))
        add('cadene/' + n, net)
    facenet_pytorch.models.inception_resnet_v1.load_weights = lambda *a: None
    add('facenet-pytorch/inception_resnet_v1', facenet_pytorch.InceptionResnetV1(pretrained=None, classify=False), 160)
    write('torch', out, f'torch {torch.__version__}, torchvision {torchvision.__version__}, timm {timm.__version__}, pretrainedmodels {pretrainedmodels.__version__}, facenet-pytorch')

def keras_networks():
    import tensorflow as tf, keras
    side, out = 139, {}
    L = keras.layers
    def add(name, net):
        variables, used = {}, {}
        for l in net._flatten_layers():
            if hasattr(l, 'layers') or not l.weights: continue
            ws = []
            for v in l.weights:
                k = f'{l.name}/{v.name}'; assert k not in variables, k
                if 'seed' in v.name: ws.append(np.asarray(v)); continue
                variables[k] = ['float32', list(v.shape)]; ws.append(value(k, tuple(v.shape), False))
            l.set_weights(ws)
        y = net(image(net.input_shape[1]), training=False).numpy()[0]
        if y.ndim == 3: y = y.mean((0, 1))
        out[name] = dict(side=net.input_shape[1], variables=variables, output=[float(v) for v in y], config=json.loads(net.to_json()))
        print(name, y.std(), len(variables), flush=True)
    keras.utils.clear_session()
    shape = (side, side, 3)
    add('keras/inception_v3', keras.applications.InceptionV3(weights=None, input_shape=(139, 139, 3), classifier_activation=None))
    add('keras/inception_resnet_v2', keras.applications.InceptionResNetV2(weights=None, input_shape=shape, classifier_activation=None))
    base = lambda: keras.applications.InceptionV3(weights=None, include_top=False, input_shape=shape)
    b = base()
    add('head/sequential_sigmoid', keras.Sequential([keras.Input(shape), L.Rescaling(1 / 127.5, offset=-1), b, L.GlobalMaxPooling2D(), L.BatchNormalization(), L.Dropout(.4), L.Dense(64), L.BatchNormalization(), L.ReLU(), L.Dense(32, activation='swish', use_bias=False), L.Dropout(.2), L.Dense(7, activation='sigmoid')]))
    i = keras.Input(shape); add('head/functional_softmax', keras.Model(i, L.Dense(3, activation='softmax')(L.Dropout(.3)(L.GlobalAveragePooling2D()(base()(i, training=False))))))
    b = base(); add('head/features', keras.Model(b.input, L.GlobalAveragePooling2D()(b.output)))
    add('head/no_pooling', base())
    b = keras.applications.InceptionResNetV2(weights=None, include_top=False, input_shape=shape, pooling='avg'); add('head/resnet_one', keras.Model(b.input, L.Dense(1, activation='sigmoid')(b.output)))
    write('keras', out, f'keras {keras.__version__}, tensorflow {tf.__version__}')

dict(torch=torch_networks, keras=keras_networks)[sys.argv[1]]()
