"""CSV tables of labelled images: what is wrong with one is told by row, and never becomes a wrong label."""

import numpy as np
import pytest
from emotion_corpora import write_fer2013_csv

from fer_phq.core.emotions import FERPLUS_VOTES
from fer_phq.core.errors import FerPhqError
from training.emotion.data.corpora import load_faces, parse_source
from training.emotion.data.label_tables import read_label_table

PIXELS = " ".join(map(str, range(16)))


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def test_pixels_become_pictures(tmp_path):
    faces = load_faces(parse_source(f"fer2013:{write(tmp_path / 'a.csv', 'emotion;pixels', f'3.0;{PIXELS}')}"))
    np.testing.assert_array_equal(faces.images, np.arange(16, dtype=np.uint8).reshape(1, 4, 4))
    assert [faces.classes[label] for label in faces.labels] == ["happiness"]


def test_columns_of_another_case_or_encoding_are_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(f"Emotion,Pixels,USAGE\n3,{PIXELS},Training\n4,{PIXELS},PublicTest\n".encode("utf-16"))
    assert read_label_table(path, "valid")["label"] == ["4"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("emotion,pixels", "3,1 2 3"), "1 problem: Row 2: the pixels are no square of numbers from 0 to 255."),
        (("emotion,pixels", "3,1 2 3 256"), "Row 2: the pixels are no square"),
        (("emotion,pixels", "3,1 2 3 -4"), "Row 2: the pixels are no square"),
        (("emotion,pixels", "3,1 2 3 x"), "Row 2: the pixels are no square"),
        (("emotion,pixels", "3,1 2 3 4.5"), "Row 2: the pixels are no square"),
        (("emotion,pixels", "3,"), "Row 2: the pixels are no square"),
        (("emotion,label,pixels", f"3,4,{PIXELS}"), "the columns emotion, label all stand for label; leave one."),
        (("label,label,pixels", f"3,4,{PIXELS}"), "the column 'label' is there 2 times; leave one."),
        (("emotion,pixels", f"3,{PIXELS},0"), "Row 2: it has 3 cells, the heading has 2."),
        (("pixels,votes_NF", f'{PIXELS},"1,0"'), "Row 2: votes_nf is '1,0', a whole number of votes is expected."),
        (("pixels,votes_NF", f"{PIXELS},"), "votes_nf is '', a whole number"),
    ],
)
def test_what_is_wrong_is_told_by_row(tmp_path, lines, said):
    with pytest.raises(FerPhqError) as error:
        read_label_table(write(tmp_path / "a.csv", *lines))
    assert said in str(error.value)


def test_many_problems_are_counted_and_the_first_named(tmp_path):
    with pytest.raises(FerPhqError, match=r"has 9 problems, the first is: Row 2: the pixels"):
        read_label_table(write(tmp_path / "a.csv", "emotion,pixels", *["3,1 2"] * 9))


def test_votes_in_another_order_or_that_are_no_counts_are_refused(tmp_path):
    path = tmp_path / "fer2013.csv"
    write_fer2013_csv(path)
    usages = ["Training"] * 7 + ["PublicTest"] * 7 + ["PrivateTest"] * 7
    heading = ",".join(["Usage", "Image name", *FERPLUS_VOTES])

    def votes(usages, cell="1"):
        return write(tmp_path / "votes.csv", heading, *(",".join([usage, "x", *[cell] * 10]) for usage in usages))

    assert len(read_label_table(path, "valid", votes(usages))) == 7
    with pytest.raises(FerPhqError, match="Row 2: the usage is Training, in the table of votes it is PrivateTest"):
        read_label_table(path, "train", votes(usages[::-1]))
    with pytest.raises(FerPhqError, match=r"has 210 problems.* Row 2: anger is 'x', a whole number of votes"):
        read_label_table(path, "train", votes(usages, "x"))
    with pytest.raises(FerPhqError, match="There is no table of votes"):
        read_label_table(path, "train", tmp_path / "none.csv")
