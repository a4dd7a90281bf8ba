"""What Captum makes of two networks with generated parameters, to compare maps with.

  python3 explain.py FOLDER    writes maps.json beside this file (Captum 0.7.0, PyTorch 1.13)

FOLDER has the reference implementation (reference.py) that the golden logits come from, for its
networks and parameters. All is computed in float64; float32_error is the relative difference of
float32, in which rounding decides for other ReLUs and maxima here and there.
"""
import json, os, sys
import torch
from captum.attr import IntegratedGradients, LayerGradCam, Occlusion, Saliency

sys.path.insert(0, sys.argv[1])
import reference

here = os.path.dirname(os.path.abspath(__file__))
side, steps, window, stride = 107, 7, 30, 20
layers = dict(inception_v3=['Mixed_6e', 'Mixed_7c'], inception_resnet_v1=['Repeat', 'Repeat_2'])


class Network(torch.nn.Module):
    """The reference with a layer for every tap, whose output Captum can take."""

    def __init__(self, name, dtype):
        super().__init__()
        self.net, self.build = reference.Net('', dtype), reference.NETS[name]
        self.layers = torch.nn.ModuleDict({n: torch.nn.Identity() for n in layers[name]})
        self.net.tap = lambda n, x: self.layers[n](x) if n in self.layers else x

    def forward(self, x):
        return self.build(self.net, x)


def summary(m):
    m = m.detach()[0]
    if m.dim() == 3:
        m = m.sum(0)
    flat = m.reshape(-1)
    at = [i * (flat.numel() - 1) // 96 for i in range(97)] if flat.numel() > 97 else list(range(flat.numel()))
    return dict(shape=list(m.shape), sum=flat.sum().item(), l2=flat.norm().item(), at=at, values=[float('%.9g' % v) for v in flat[at].tolist()])


def maps_of(name, dtype):
    f = Network(name, dtype).eval()
    pixels = (256 * reference.uniform('input', side * side * 3)).astype('uint8')  # in TF order, N,H,W,C
    x = (torch.from_numpy(pixels).reshape(1, side, side, 3).permute(0, 3, 1, 2).double() / 127.5 - 1).to(dtype)
    logits = f(x)
    target = logits.argmax(1).item()
    black, grey = -torch.ones_like(x), torch.zeros_like(x)
    maps = {'grad-cam ' + n: summary(LayerGradCam(f, f.layers[n]).attribute(x, target, relu_attributions=True)) for n in layers[name]}
    maps['integrated-gradients'] = summary(IntegratedGradients(f).attribute(x, black, target, n_steps=steps, method='riemann_middle', internal_batch_size=1))
    occlusion = Occlusion(f).attribute(x, (3, window, window), (3, stride, stride), grey, target)
    assert (occlusion[0, 0] == occlusion[0, 1]).all()
    maps['occlusion'] = summary(occlusion[:, 0])
    maps['gradient'] = summary(Saliency(f).attribute(x, target, abs=True))
    return dict(target=target, logit=logits[0, target].item(), baseline=f(black)[0, target].item(), maps=maps)


out = {}
for name in layers:
    out[name] = maps_of(name, torch.float64)
    for method, m in maps_of(name, torch.float32)['maps'].items():
        exact, rough = (torch.tensor(v) for v in (out[name]['maps'][method]['values'], m['values']))
        out[name]['maps'][method]['float32_error'] = float('%.2g' % ((rough - exact).norm() / exact.norm()))
        print(name, method, out[name]['maps'][method]['float32_error'])
json.dump(dict(side=side, steps=steps, window=window, stride=stride, networks=out), open(os.path.join(here, 'maps.json'), 'w'))
