"""Parts or classes: what folders called train, test and val are taken for, and that the repairs offered work."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from foveal.data import DataSet, read_folder
from foveal.errors import DataError


def lay(root: Path, *files: str) -> Path:
    for number, file in enumerate(files):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number).save(root / file)
    return root


def counts(data: DataSet) -> tuple[dict[str, int], dict[str, int] | None]:
    test = None if data.test is None else data.test.counts(len(data.classes)).tolist()
    train = dict(zip(data.classes, data.train.counts(len(data.classes)).tolist(), strict=True))
    return train, None if test is None else dict(zip(data.classes, test, strict=True))


@pytest.mark.parametrize("name", ["train", "Training", "TRAIN", "test", "testing", "val", "valid", "validation"])
def test_a_class_may_be_called_like_a_part(name: str, tmp_path: Path) -> None:
    data = read_folder(lay(tmp_path, "bus/1.png", "car/1.png", "car/2.png", f"{name}/1.png"))
    assert counts(data) == ({"bus": 1, "car": 2, name: 1}, None)
    assert data.notes == (f"taken for a class, not for a part, because no class folders are in it: {name}/",)


def test_classes_called_train_and_test_beside_another(tmp_path: Path) -> None:
    data = read_folder(lay(tmp_path, "bus/1.png", "train/1.png", "test/1.png"))
    assert data.classes == ("bus", "test", "train")


def test_a_class_called_train_with_one_folder_inside(tmp_path: Path) -> None:
    data = read_folder(lay(tmp_path, "bus/1.png", "car/1.png", "train/more/1.png"))
    assert counts(data)[0] == {"bus": 1, "car": 1, "train": 1}


def test_parts_inside_which_a_class_is_called_train(tmp_path: Path) -> None:
    files = [f"{part}/{name}/1.png" for part in ("train", "test") for name in ("bus", "train", "test")]
    assert counts(read_folder(lay(tmp_path, *files)))[1] == {"bus": 1, "test": 1, "train": 1}


@pytest.mark.parametrize("below", ["", "train", "train/a", "test/b"])
def test_files_that_are_no_pictures_are_counted_wherever_they_lie(below: str, tmp_path: Path) -> None:
    lay(tmp_path, "train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png")
    for name in ("Thumbs.db", "labels.csv"):
        (tmp_path / below / name).write_text("1,a\n")
    assert read_folder(tmp_path).notes == ("2 files that are not pictures by their names were passed over",)


def test_what_lies_beside_the_parts_is_said(tmp_path: Path) -> None:
    lay(tmp_path, "train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png")
    lay(tmp_path, "samples/1.png", "samples/2.png", "more/c/3.png", "stray.png", "train/stray.png")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "models").mkdir()
    data = read_folder(tmp_path)
    assert counts(data) == ({"a": 1, "b": 1}, {"a": 1, "b": 1})
    assert data.notes == (
        "passed over beside train/: more/, samples/ (3 pictures)",
        f"passed over beside the class folders of {tmp_path.name}: 1 picture without a class",
        "passed over beside the class folders of train: 1 picture without a class",
        "hidden or system files and folders were passed over: __MACOSX",
    )


def test_a_test_folder_without_labels_is_passed_over(tmp_path: Path) -> None:
    data = read_folder(lay(tmp_path, "train/a/1.png", "train/b/1.png", "test/1.png", "test/2.png"))
    assert counts(data) == ({"a": 1, "b": 1}, None)
    assert data.notes == ("passed over, without class folders and so without labels: test/ (2 pictures)",)


def test_an_empty_part_is_said(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    data = read_folder(lay(tmp_path, "train/a/1.png", "train/b/1.png"))
    assert (data.test, data.notes) == (None, ("test/ holds no pictures",))


def test_an_empty_train_beside_classes_is_no_class(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    data = read_folder(lay(tmp_path, "a/1.png", "b/1.png"))
    assert (data.classes, data.notes) == (("a", "b"), ("folders without pictures are not classes: train",))


def test_train_alone(tmp_path: Path) -> None:
    assert counts(read_folder(lay(tmp_path, "train/a/1.png", "train/b/1.png"))) == ({"a": 1, "b": 1}, None)


def test_a_class_that_the_test_part_lacks_is_said(tmp_path: Path) -> None:
    data = read_folder(lay(tmp_path, "train/a/1.png", "train/b/1.png", "test/a/1.png"))
    assert data.notes == ("there is no test picture of b",)


def test_a_loose_picture_beside_class_folders_is_said(tmp_path: Path) -> None:
    data = read_folder(lay(tmp_path, "a/1.png", "b/1.png", "1.png", "2.png"))
    assert data.notes == (f"passed over beside the class folders of {tmp_path.name}: 2 pictures without a class",)


@pytest.mark.parametrize(
    "files",
    [
        ["train/2019/1.png", "train/2020/1.png", "bus/2019/1.png", "car/2020/1.png"],
        ["train/a/1.png", "train/b/1.png", "train/1.png", "bus/1.png"],
    ],
)
def test_what_may_be_either_is_not_guessed(files: list[str], tmp_path: Path) -> None:
    lay(tmp_path, *files)
    with pytest.raises(DataError, match="train/ may be a class or the training part") as error:
        read_folder(tmp_path)
    part, rename = error.value.fix
    assert len(read_folder(part.split(",")[0]).classes) == 2
    assert rename == "rename train/ (to trains/, say), to learn it as a class"
    (tmp_path / "train").rename(tmp_path / "trains")
    assert "trains" in read_folder(tmp_path).classes


def test_parts_without_a_training_part(tmp_path: Path) -> None:
    lay(tmp_path, "val/a/1.png", "val/b/1.png", "test/a/1.png", "test/b/1.png")
    with pytest.raises(DataError, match="there is no training part") as error:
        read_folder(tmp_path)
    assert read_folder(error.value.fix[0].split(",")[0]).classes == ("a", "b")


def test_a_test_folder_inside_the_classes_is_no_class(tmp_path: Path) -> None:
    lay(tmp_path, "a/1.png", "b/1.png", "test/a/1.png", "test/b/1.png")
    with pytest.raises(DataError, match="test/ holds the same class folders as the folder it lies in") as error:
        read_folder(tmp_path)
    assert error.value.fix == (f"put the class folders beside test/ into {tmp_path.name}/train/",)
    for name in "ab":
        (tmp_path / "train").mkdir(exist_ok=True)
        (tmp_path / name).rename(tmp_path / "train" / name)
    assert counts(read_folder(tmp_path))[1] == {"a": 1, "b": 1}


def test_two_folders_for_one_part(tmp_path: Path) -> None:
    lay(tmp_path, *(f"{part}/{name}/1.png" for part in ("train", "val", "valid") for name in "ab"))
    with pytest.raises(DataError, match="two folders are named as the same part") as error:
        read_folder(tmp_path)
    assert "val/, valid/" in str(error.value)


def test_a_folder_around_the_class_folders(tmp_path: Path) -> None:
    lay(tmp_path, "photos/a/1.png", "photos/b/1.png")
    with pytest.raises(DataError, match="one class alone") as error:
        read_folder(tmp_path)
    assert read_folder(error.value.fix[0].split(",")[0]).classes == ("a", "b")


def test_a_folder_of_tables_says_which_to_take(tmp_path: Path) -> None:
    for name in ("test.csv", "train.csv"):
        (tmp_path / name).write_text("1,2,3,4,5\n")
    with pytest.raises(DataError, match="no class folders") as error:
        read_folder(tmp_path)
    assert error.value.fix == (str(tmp_path / "train.csv"),)


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_two_spellings_of_a_class_in_two_parts(forms: tuple[str, str], tmp_path: Path) -> None:
    for part, form in zip(("train", "test"), forms, strict=True):
        lay(tmp_path, *(f"{part}/{unicodedata.normalize(form, name)}/1.png" for name in ("café", "thé")))
    data = read_folder(tmp_path)
    assert data.classes == ("café", "thé")
    assert counts(data)[1] == {"café": 1, "thé": 1}


def test_two_spellings_of_a_class_side_by_side(tmp_path: Path) -> None:
    lay(tmp_path, *(f"{unicodedata.normalize(form, 'café')}/1.png" for form in ("NFC", "NFD")), "thé/1.png")
    data = read_folder(tmp_path)
    assert counts(data)[0] == {"café": 2, "thé": 1}
    assert data.notes == ("folders that spell one name in two ways were read as one class: café",)


def test_names_with_spaces_around_and_other_capitals(tmp_path: Path) -> None:
    data = read_folder(lay(tmp_path, "cat /1.png", "Dog/1.png", "dog/1.png"))
    assert data.classes == ("Dog", "cat", "dog")
    assert data.notes == (
        "spaces around the names of class folders were left out: 'cat '",
        "classes whose names differ only in capitals were kept apart: Dog, dog",
    )


def test_other_capitals_in_the_test_part(tmp_path: Path) -> None:
    lay(tmp_path, "train/Cat/1.png", "train/Dog/1.png", "test/cat/1.png", "test/Dog/1.png")
    with pytest.raises(DataError, match="a class that the training part lacks") as error:
        read_folder(tmp_path)
    rename, _, without = error.value.fix
    assert rename == "rename the folder cat of the test part to Cat"
    assert read_folder(without.split(",")[0]).test is None
    (tmp_path / "test" / "cat").rename(tmp_path / "test" / "Cat")
    assert counts(read_folder(tmp_path))[1] == {"Cat": 1, "Dog": 1}


def test_repairs_for_a_class_that_training_lacks_work_or_are_not_offered(tmp_path: Path) -> None:
    lay(tmp_path, "train/a/1.png", "test/a/1.png", "test/b/1.png")
    with pytest.raises(DataError, match="a class that the training part lacks") as error:
        read_folder(tmp_path)
    assert error.value.fix == ("the same class folders in each part",)
