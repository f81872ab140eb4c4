"""The peers: PyTorch as its own tutorial teaches it, and PyTorch as somebody careful writes it.

``tutorial`` follows "Training a model" of pytorch.org (quickstart): a Dataset of pictures with ``ToTensor``, a DataLoader
with batches of 32 and shuffling in the main process, eager Adam, the loss read every 100 batches. torchvision is not needed:
``to_tensor`` does what its ToTensor does to a grey PIL picture, call for call.

``careful`` keeps the data in memory as one float tensor, indexes batches with a permutation, uses channels_last and fused
Adam: what a reader of the performance notes would write by hand.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset


def lecture_network() -> nn.Sequential:
    """The lecture's network as a PyTorch user writes it."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(576, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def to_tensor(picture: Image.Image) -> torch.Tensor:
    """What torchvision.transforms.ToTensor does to a grey picture of 8 bits."""
    array = torch.from_numpy(np.array(picture, np.uint8, copy=True))
    array = array.view(picture.size[1], picture.size[0], 1).permute((2, 0, 1)).contiguous()
    return array.to(dtype=torch.get_default_dtype()).div(255)


class Pictures(Dataset):  # type: ignore[type-arg]
    """torchvision.datasets.FashionMNIST, but for the download: a PIL picture a time, then the transform."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.data, self.targets = torch.from_numpy(images), torch.from_numpy(labels)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture, target = self.data[index], int(self.targets[index])
        return to_tensor(Image.fromarray(picture.numpy())), target


def tutorial(
    model: nn.Module, images: np.ndarray, labels: np.ndarray, order: list[int], batch: int
) -> dict[str, object]:
    """One pass in the given order; seconds, and the loss every 100 batches."""
    loader = DataLoader(Pictures(images, labels), batch_size=batch, sampler=order)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    model.train()
    begin = time.perf_counter()
    for number, (x, y) in enumerate(loader):
        pred = model(x)
        loss = loss_fn(pred, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if number % 100 == 0:
            losses.append(loss.item())
    return {"seconds": time.perf_counter() - begin, "losses": losses}


def careful(
    model: nn.Module, images: np.ndarray, labels: np.ndarray, order: list[int], batch: int
) -> dict[str, object]:
    """The same pass with data in memory, channels_last and fused Adam."""
    begin = time.perf_counter()
    x_all = torch.from_numpy(images)[:, None].float().div(255).contiguous(memory_format=torch.channels_last)
    y_all = torch.from_numpy(labels).long()
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    loss_fn = nn.CrossEntropyLoss()
    permutation = torch.tensor(order)
    losses = []
    model.train()
    for number, index in enumerate(permutation.split(batch)):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_fn(model(x_all[index]), y_all[index])
        loss.backward()
        optimizer.step()
        if number % 100 == 0:
            losses.append(loss.item())
    return {"seconds": time.perf_counter() - begin, "losses": losses}
