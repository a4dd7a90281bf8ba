"""How far PyTorch's own bfloat16 is from its float64, for the golden networks.

  python3 bfloat16.py FOLDER > bfloat16.json

FOLDER has the reference implementation (reference.py) that the golden files of this folder
come from. Parameters and images are converted to bfloat16, and all is computed in it.
"""
import json, os, sys
import torch

sys.path.insert(0, sys.argv[1])
import reference

here = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(2)
result = {}
for name, network in reference.NETS.items():
    golden = json.load(open(os.path.join(here, name + '.json')))['evaluation']
    want = torch.tensor(golden['logits'], dtype=torch.float64)
    with torch.inference_mode():
        net = reference.Net('', torch.bfloat16)
        image = reference.image(golden['image'], golden['batch'], golden['side'], torch.bfloat16, '')
        got = network(net, image).double()
    result[name] = ((got - want).norm() / want.norm()).item()
    print(name, result[name], file=sys.stderr, flush=True)
json.dump(dict(torch=torch.__version__, relative_l2=result), sys.stdout, indent=1)
