"""A small model with what PyTorch's exporter writes of torchvision's Inception-v3: channels
taken apart (transform_input), and average pooling that counts its padding: make_torch.py
(written by PyTorch 1.13.0, torchvision 0.14.1)."""
import os, torch, torchvision


class Small(torch.nn.Module):
    transform_input = True

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 2, 3, stride=2)

    def forward(self, x):
        x = torch.relu(self.conv(torchvision.models.Inception3._transform_input(self, x)))
        return torch.nn.functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1)


torch.manual_seed(1)
at = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'torch.onnx')
torch.onnx.export(Small().eval(), torch.zeros(1, 3, 9, 9), at, opset_version=13)
