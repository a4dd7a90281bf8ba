"""Files that torch.save writes, and what is in them: make.py (PyTorch 1.13 and numpy; written by 1.13.0).

  zip.pth, stream.pth  one dict of tensors of several types, strided and shared, with a parameter, and objects beside it
  training.pth         a training program's checkpoint: averages, weights, optimiser, arguments
  module.pth           a whole module
  deflated.pth         zip.pth, packed again with compression
  expected.json        name: [dtype, shape, values]
"""
import argparse, collections, json, os, pathlib, zipfile
import torch
HERE = os.path.dirname(os.path.abspath(__file__)); at = lambda n: os.path.join(HERE, n)
torch.manual_seed(1)
base = torch.arange(24, dtype=torch.float32) / 7
tensors = collections.OrderedDict([
    ('conv.weight', torch.randn(4, 3, 3, 3).contiguous(memory_format=torch.channels_last)),
    ('bn.running_mean', torch.randn(4).half()), ('bn.running_var', torch.rand(4).bfloat16()), ('bn.weight', torch.randn(4).double()),
    ('bn.num_batches_tracked', torch.tensor(7)),
    ('fc.weight', base.view(4, 6).t()), ('fc.part', base[3:9]), ('fc.rows', base.view(4, 6)[1:3, 2:5]), ('fc.bias', torch.nn.Parameter(base[::5])),
    ('scalar', torch.tensor(2.5)), ('empty', torch.zeros(0, 3)),
])
state = collections.OrderedDict(tensors); state._metadata = {'': {'version': 1}}
torch.save(state, at('zip.pth')); torch.save(state, at('stream.pth'), _use_new_zipfile_serialization=False)
with zipfile.ZipFile(at('zip.pth')) as z, zipfile.ZipFile(at('deflated.pth'), 'w', zipfile.ZIP_DEFLATED) as out:
    for i in z.infolist(): out.writestr(i.filename, z.read(i))
layer = torch.nn.Linear(3, 2)
optimizer = torch.optim.SGD(layer.parameters(), lr=.1, momentum=.9); layer(torch.ones(1, 3)).sum().backward(); optimizer.step()
torch.save(dict(epoch=3, arch='inception_v4', best=.5, args=argparse.Namespace(lr=.1, output=pathlib.PosixPath('out')), optimizer=optimizer.state_dict(),
                state_dict=layer.state_dict(), state_dict_ema={k: v + 1 for k, v in layer.state_dict().items()}), at('training.pth'))
torch.save(torch.nn.Sequential(collections.OrderedDict(fc=layer, bn=torch.nn.BatchNorm1d(2))), at('module.pth'))
value = lambda t: [str(t.dtype)[6:], list(t.shape), [float(v) for v in t.detach().double().contiguous().flatten()]]
json.dump(dict(tensors={k: value(v) for k, v in tensors.items()}, training={k: value(v + 1) for k, v in layer.state_dict().items()},
               module={k: value(v) for k, v in torch.load(at('module.pth')).state_dict().items()}), open(at('expected.json'), 'w'), indent=1)
