"""Output sizes at the stages, as the papers' tables have them."""

from __future__ import annotations

from foveal import zoo


def test_lecture_cnn_is_the_lecture_s_summary(sizes):
    assert sizes(
        zoo.lecture_cnn(), "conv2d_1", "max_pooling2d_1", "conv2d_2", "max_pooling2d_2", "conv2d_3", "flatten_1", "dense_1"
    ) == {
        "conv2d_1": "26 × 26 × 32",
        "max_pooling2d_1": "13 × 13 × 32",
        "conv2d_2": "11 × 11 × 64",
        "max_pooling2d_2": "5 × 5 × 64",
        "conv2d_3": "3 × 3 × 64",
        "flatten_1": "576",
        "dense_1": "64",
    }  # fmt: skip


def test_mnist_demo_is_the_lecture_s(sizes):
    assert sizes(zoo.mnist_demo(), "conv", "pool", "flatten") == {
        "conv": "28 × 28 × 10",
        "pool": "14 × 14 × 10",
        "flatten": "1960",
    }


def test_both_lenets_have_the_sizes_of_table_13_1(sizes):
    table = {
        "C1": "28 × 28 × 6",
        "S2": "14 × 14 × 6",
        "C3": "10 × 10 × 16",
        "S4": "5 × 5 × 16",
        "C5": "1 × 1 × 120",
        "F6": "84",
        "Out": "10",
    }
    assert sizes(zoo.lenet5(), *table) == table
    assert sizes(zoo.lenet5(input_shape=(32, 32, 1)), *table) == table
    assert sizes(zoo.lenet5_1998(), *table) == table
    assert sizes(zoo.lenet5_1998(input_shape=(28, 28, 1)), *table) == table


def test_only_28_x_28_is_padded(sizes):
    assert sizes(zoo.lenet5(), "pad") == {"pad": "32 × 32 × 1"}
    assert sizes(zoo.lenet5(input_shape=(32, 32, 1)), "pad") == {}


def test_alexnet_has_the_sizes_of_table_13_2_but_for_its_erratum(sizes):
    table = {
        "C1": "56 × 56 × 96",  # the lecture reads 55
        "S2": "27 × 27 × 96",
        "C3": "27 × 27 × 256",
        "S4": "13 × 13 × 256",
        "C5": "13 × 13 × 384",
        "C6": "13 × 13 × 384",
        "C7": "13 × 13 × 256",
        "F8": "4096",
        "F9": "4096",
        "Out": "1000",
    }
    assert sizes(zoo.alexnet(), *table) == table


def test_alexnet_2014(sizes):
    table = {"conv1": "55 × 55 × 64", "pool1": "27 × 27 × 64", "conv2": "27 × 27 × 192", "pool2": "13 × 13 × 192",
             "conv5": "13 × 13 × 256", "pool5": "6 × 6 × 256"}  # fmt: skip
    table = {f"features/{path}": size for path, size in table.items()}
    assert sizes(zoo.alexnet_2014(), *table) == table
    assert sizes(zoo.alexnet_2014(input_shape=(300, 200, 3)), "avgpool") == {"avgpool": "6 × 6 × 256"}


def test_vgg_halves_five_times(sizes):
    for name in ("vgg11", "vgg13_bn", "vgg16", "vgg19_bn"):
        found = sizes(zoo.create(name), *(f"features/block{n}" for n in range(1, 6)))
        assert list(found.values()) == [
            "112 × 112 × 64",
            "56 × 56 × 128",
            "28 × 28 × 256",
            "14 × 14 × 512",
            "7 × 7 × 512",
        ]


def test_googlenet_has_the_sizes_of_table_1(sizes):
    table = {
        "conv1": "112 × 112 × 64",
        "pool1": "56 × 56 × 64",
        "conv2": "56 × 56 × 192",
        "pool2": "28 × 28 × 192",
        "inception_3a": "28 × 28 × 256",
        "inception_3b": "28 × 28 × 480",
        "pool3": "14 × 14 × 480",
        "inception_4a": "14 × 14 × 512",
        "inception_4b": "14 × 14 × 512",
        "inception_4c": "14 × 14 × 512",
        "inception_4d": "14 × 14 × 528",
        "inception_4e": "14 × 14 × 832",
        "pool4": "7 × 7 × 832",
        "inception_5a": "7 × 7 × 832",
        "inception_5b": "7 × 7 × 1024",
        "avgpool": "1024",
    }
    assert sizes(zoo.googlenet(), *table) == table
    assert sizes(zoo.googlenet_bn(), *table) == table


def test_googlenet_s_heads_see_4_x_4(sizes):
    """Section 5: 4 × 4 × 512 for (4a), 4 × 4 × 528 for (4d), then 128 maps."""
    assert sizes(zoo.googlenet(), "aux1/head/pool", "aux2/head/pool", "aux2/head/conv", "aux2/head/fc2") == {
        "aux1/head/pool": "4 × 4 × 512",
        "aux2/head/pool": "4 × 4 × 528",
        "aux2/head/conv": "4 × 4 × 128",
        "aux2/head/fc2": "1000",
    }


def test_resnets_have_the_sizes_of_table_1(sizes):
    spatial = ("112 × 112", "56 × 56", "56 × 56", "28 × 28", "14 × 14", "7 × 7")
    for names, maps in (
        (("resnet18", "resnet34"), (64, 64, 64, 128, 256, 512)),
        (("resnet50", "resnet152", "resnext50_32x4d", "resnext101_32x8d"), (64, 64, 256, 512, 1024, 2048)),
    ):
        for name in names:
            found = sizes(zoo.create(name), "conv1", "maxpool", "layer1", "layer2", "layer3", "layer4")
            assert list(found.values()) == [f"{size} × {n}" for size, n in zip(spatial, maps, strict=True)], name


def test_resnet_152_has_152_layers_with_weights():
    """The name counts convolutions and dense layers on the main way, without the projections of shortcuts."""
    from foveal.network import walk

    for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d"):
        weighted = [path for path, node in walk(zoo.create(name)) if node.kind in ("Conv2D", "Dense")]
        main = [path for path in weighted if "/shortcut/" not in path]
        assert len(main) == int("".join(c for c in name.split("_")[0] if c.isdigit())), name


def test_densenets_have_the_sizes_of_table_1(sizes):
    for name, maps in (
        ("densenet121", (64, 256, 128, 512, 256, 1024, 512, 1024)),
        ("densenet161", (96, 384, 192, 768, 384, 2112, 1056, 2208)),
        ("densenet169", (64, 256, 128, 512, 256, 1280, 640, 1664)),
        ("densenet201", (64, 256, 128, 512, 256, 1792, 896, 1920)),
    ):
        paths = ["pool0", *(f"{kind}{n}" for n in (1, 2, 3) for kind in ("denseblock", "transition")), "denseblock4"]
        spatial = (56, 56, 28, 28, 14, 14, 7, 7)
        found = sizes(zoo.create(name), *paths)
        assert list(found.values()) == [f"{s} × {s} × {n}" for s, n in zip(spatial, maps, strict=True)], name


def test_fashion_resnet(sizes):
    table = {"stem": "14 × 14 × 32", "stage1": "7 × 7 × 48", "stage2": "3 × 3 × 96", "top": "3 × 3 × 192", "fc": "10"}
    assert sizes(zoo.fashion_resnet(), *table) == table
    table = {"stem": "28 × 28 × 16", "stage1": "7 × 7 × 64", "stage2": "3 × 3 × 128", "top": "3 × 3 × 256", "fc": "10"}
    assert sizes(zoo.fashion_resnet_large(), *table) == table
