"""What pytorch-fid's network, TensorFlow's inception-2015-12-05, computes of generated parameters.

  python3 fid.py FOLDER    writes inception_2015_12_05.json (pytorch-fid 0.3.0)

FOLDER has the reference implementation (reference.py) that the golden files of this folder
come from, for its parameters and images; the layers are pytorch-fid's, in float64.
"""
import json, os, sys
import torch
import pytorch_fid.inception as theirs

sys.path.insert(0, sys.argv[1])
import reference

here = os.path.dirname(os.path.abspath(__file__))
side, batch, classes = 139, 2, 1008
net = theirs._inception_v3(num_classes=classes, aux_logits=False, weights=None)
for name, module in dict(
        Mixed_5b=theirs.FIDInceptionA(192, pool_features=32), Mixed_5c=theirs.FIDInceptionA(256, pool_features=64), Mixed_5d=theirs.FIDInceptionA(288, pool_features=64),
        Mixed_6b=theirs.FIDInceptionC(768, channels_7x7=128), Mixed_6c=theirs.FIDInceptionC(768, channels_7x7=160), Mixed_6d=theirs.FIDInceptionC(768, channels_7x7=160),
        Mixed_6e=theirs.FIDInceptionC(768, channels_7x7=192), Mixed_7b=theirs.FIDInceptionE_1(1280), Mixed_7c=theirs.FIDInceptionE_2(2048)).items():
    setattr(net, name, module)

ours = [n for n, _ in json.load(open(os.path.join(here, 'inception_v3.json')))['evaluation']['parameters'] if 'AuxLogits' not in n]
state = {n: v for n, v in net.state_dict().items() if 'num_batches' not in n}
assert len(ours) == len(state)
make = reference.Net('', torch.float64)
with torch.no_grad():
    for name, (at, v) in zip(ours, state.items()):  # both in the order of use
        shape = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[v.dim()]
        shape = [v.shape[i] for i in shape]
        fan = v.numel() / v.shape[0]
        limit = (3 / fan) ** 0.5 if v.dim() == 2 else (6 / fan) ** 0.5
        low, high = {'weights': (-limit, limit), 'gamma': (0.5, 1.5), 'moving_variance': (0.5, 1.5)}.get(name.split('/')[-1], (-0.1, 0.1))
        p = make.param(name, shape, low, high)
        v.copy_({4: lambda: p.permute(3, 2, 0, 1), 2: p.t, 1: lambda: p}[v.dim()]())
net = net.double().eval()
for m in net.modules():
    if isinstance(m, torch.nn.BatchNorm2d):
        assert m.eps == 1e-3

taps = {}
def tap(name, x):
    if x.dim() == 4:
        x = x.permute(0, 2, 3, 1)
    flat = x.reshape(-1)
    at = [i * (flat.numel() - 1) // 7 for i in range(8)]
    taps[name] = dict(shape=list(x.shape), mean=flat.mean().item(), std=flat.std(unbiased=False).item(), l2=flat.norm().item(), at=at, values=flat[at].tolist())
with torch.inference_mode():
    x = reference.image('input', batch, side, torch.float64, '')
    for name, module in net.named_children():
        if name in ('avgpool', 'dropout', 'fc', 'AuxLogits'):
            continue
        x = module(x)
        if name.startswith('Mixed'):
            tap(name, x)
    x = x.mean((2, 3))
    tap('PreLogits', x)
    logits = net.fc(x)
json.dump(dict(network='inception_v3', salt='', evaluation=dict(image='input', batch=batch, side=side,
          parameters=make.order, taps=taps, logits=logits.tolist())), open(os.path.join(here, 'inception_2015_12_05.json'), 'w'))
