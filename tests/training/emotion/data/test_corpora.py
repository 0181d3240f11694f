"""Every layout in which the corpora are given out, and every label order, ends in our seven."""

import io

import numpy as np
import pytest
from emotion_corpora import pattern, png
from PIL import Image

from fer_phq.core.emotions import EMOTIONS, FERPLUS_VOTES
from fer_phq.core.errors import FerPhqError, SettingsError
from training.emotion.data import corpora
from training.emotion.data.corpora import FaceSet, LazyImages, Source, join, load_faces, parse_source


def names(faces):
    return [faces.classes[i] for i in faces.labels]


def test_votes_become_targets_in_our_order(corpus):
    faces = load_faces(Source(corpus="ferplus", path=str(corpus), split="train"))
    assert faces.images.shape == (140, 48, 48)
    np.testing.assert_allclose(faces.targets.sum(axis=1), 1, rtol=1e-6)
    assert list(faces.labels[:7]) == list(range(7))
    assert faces.targets[0, EMOTIONS.index("anger")] == pytest.approx(0.8)


def test_images_that_taggers_gave_another_class_are_left_out(tmp_path, write_part):
    votes = [{"anger": 6}, {"contempt": 6, "anger": 4}, {"unknown": 9, "anger": 1}, {"NF": 10, "anger": 0}, {"fear": 3}]
    rng = np.random.default_rng(0)
    write_part(tmp_path / "part.parquet", [rng.integers(0, 255, (48, 48), np.uint8) for _ in votes], votes)
    source = Source(corpus="ferplus", path=str(tmp_path / "part.parquet"))
    assert names(load_faces(source)) == ["anger", "fear"]
    nine = load_faces(source, (*EMOTIONS, "contempt", "unknown"))
    assert names(nine) == ["anger", "contempt", "unknown", "fear"]
    assert nine.targets[1, 7] == pytest.approx(0.6)


def test_fer2013s_own_labels_are_read_in_its_order(every_corpus):
    faces = load_faces(Source(corpus="fer2013", path=str(every_corpus / "fer2013/fer2013.csv"), split="valid"))
    assert faces.images.shape == (7, 48, 48)
    assert names(faces) == ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
    rng = np.random.default_rng(9)
    drawn = [pattern(EMOTIONS.index(name), rng) for _ in range(2) for name in names(faces)]
    np.testing.assert_array_equal(faces.images[0], drawn[7])


def test_ferplus_votes_lie_beside_fer2013s_csv(every_corpus, tmp_path):
    votes = tmp_path / "fer2013new.csv"
    rows = [",".join(["Usage", "Image name", *FERPLUS_VOTES])]
    rows += [",".join(["x", "y", *("8" if i % 10 == v else "0" for v in range(10))]) for i in range(21)]
    votes.write_text("\n".join(rows))
    source = Source(corpus="ferplus", path=str(every_corpus / "fer2013/fer2013.csv"), split="train", votes=str(votes))
    assert names(load_faces(source)) == ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"]
    votes.write_text("\n".join(rows[:-1]))
    with pytest.raises(FerPhqError, match="must match"):
        load_faces(source)


@pytest.mark.parametrize(("name", "part"), [("affectnet", "train"), ("rafdb", "train"), ("mmi", "valid")])
def test_folders_of_numbers_and_of_words_become_our_seven(every_corpus, name, part):
    faces = load_faces(Source(corpus=name, path=str(every_corpus / name / part)))
    assert np.bincount(faces.labels).tolist() == [3] * 7
    assert faces.images.ndim == 4
    rng = np.random.default_rng(0)
    for label, image in zip(faces.labels, faces.images, strict=True):
        small = np.asarray(Image.fromarray(image).convert("L").resize((48, 48)), float)
        likeness = [np.corrcoef(small.ravel(), pattern(e, rng).ravel())[0, 1] for e in range(7)]
        assert int(np.argmax(likeness)) == label


def test_a_list_of_paths_and_labels(tmp_path):
    rng = np.random.default_rng(0)
    for i, side in enumerate((48, 60, 90)):
        Image.fromarray(pattern(i, rng)).resize((side, side)).save(tmp_path / f"{i}.png")
    (tmp_path / "faces.csv").write_text("path,label,split\n0.png,Angry,a\n1.png,happy,a\n2.png,sad,b\n")
    faces = load_faces(parse_source(f"folder:{tmp_path / 'faces.csv'}"))
    assert names(faces) == ["anger", "happiness", "sadness"]
    assert faces.images.shape[1:] == (224, 224)
    one = load_faces(parse_source(f"folder:{tmp_path / 'faces.csv'}#b"))
    assert names(one) == ["sadness"]
    assert one.crops().shape == (1, 90, 90, 3)
    (tmp_path / "faces.csv").write_text("path,label\n0.png,anger\nnone.png,fear\n")
    with pytest.raises(FerPhqError, match=r"1 files that are not there.*none\.png"):
        load_faces(parse_source(f"folder:{tmp_path / 'faces.csv'}"))


def save_images(folder, labels):
    rng = np.random.default_rng(0)
    for label in labels:
        (folder / label).mkdir(parents=True)
        Image.fromarray(pattern(0, rng)).save(folder / label / "0.png")
    return str(folder)


def test_numbers_that_a_corpus_does_not_have_are_refused(tmp_path):
    folder = save_images(tmp_path / "raf", map(str, range(7)))
    with pytest.raises(FerPhqError, match="has the labels 0, the corpus counts from 1 to 7"):
        load_faces(Source(corpus="rafdb", path=folder))
    folder = save_images(tmp_path / "fer", map(str, range(1, 8)))
    with pytest.raises(FerPhqError, match="has the labels 7, the corpus counts from 0 to 6"):
        load_faces(Source(corpus="fer2013", path=folder))


def test_numbers_that_begin_with_the_second_are_refused(tmp_path):
    folder = save_images(tmp_path / "affectnet", map(str, range(1, 9)))
    with pytest.raises(FerPhqError, match=r"the labels 1, 2, 3, 4, 5, 6, 7, 8, the corpus counts from 0 to 10"):
        load_faces(Source(corpus="affectnet", path=folder))
    some = save_images(tmp_path / "some", ("1", "4", "6", "7"))
    assert sorted(names(load_faces(Source(corpus="affectnet", path=some)))) == ["anger", "fear", "happiness"]


def test_a_folder_of_parts_is_all_of_them(tmp_path):
    save_images(tmp_path / "train", ("angry", "sad"))
    save_images(tmp_path / "test", ("happy",))
    whole = Source(corpus="folder", path=str(tmp_path))
    assert sorted(names(load_faces(whole))) == ["anger", "happiness", "sadness"]
    assert names(load_faces(whole.model_copy(update={"split": "test"}))) == ["happiness"]
    with pytest.raises(FerPhqError, match="#valid cannot be read"):
        load_faces(whole.model_copy(update={"split": "valid"}))


def test_affectnets_seven_is_contempt_for_whom_it_is_a_class(tmp_path, caplog):
    source = Source(corpus="affectnet", path=save_images(tmp_path, map(str, range(11))))
    assert sorted(names(load_faces(source))) == sorted(EMOTIONS)
    assert sorted(names(load_faces(source, (*EMOTIONS, "contempt")))) == sorted((*EMOTIONS, "contempt"))
    assert not caplog.records, "what is no expression is left out as it should be"


def test_a_misspelt_class_is_named(tmp_path, caplog):
    source = Source(corpus="folder", path=save_images(tmp_path, ["angry", "sad", "suprise", "Neutrality", "contempt"]))
    faces = load_faces(source)
    assert sorted(names(faces)) == ["anger", "sadness"]
    assert faces.left_out == {"contempt": 1, "neutrality": 1, "suprise": 1}
    assert faces.describe().endswith("; left out: contempt 1, neutrality 1, suprise 1")
    (record,) = caplog.records
    assert "has images of neutrality, suprise, which are none of anger" in record.getMessage()


def test_a_part_that_cannot_be_had_is_refused(tmp_path, write_part):
    rng = np.random.default_rng(0)
    images = [pattern(0, rng), pattern(2, rng)]
    write_part(tmp_path / "all.parquet", images, [{"anger": 6}, {"fear": 6}])
    with pytest.raises(FerPhqError, match="no column of parts"):
        load_faces(Source(corpus="ferplus", path=str(tmp_path / "all.parquet"), split="valid"))
    rows = [f"{i},{' '.join(map(str, image.ravel()))}" for i, image in enumerate(images)]
    (tmp_path / "train.csv").write_text("\n".join(["emotion,pixels", *rows]))
    with pytest.raises(FerPhqError, match=r"no column of parts .*, so the part valid cannot be read"):
        load_faces(Source(corpus="fer2013", path=str(tmp_path / "train.csv"), split="valid"))
    usages = [f"{row},Training" for row in rows]
    (tmp_path / "train.csv").write_text("\n".join(["emotion,pixels,Usage", *usages]))
    with pytest.raises(FerPhqError, match="has no part valid: its parts are Training"):
        load_faces(Source(corpus="fer2013", path=str(tmp_path / "train.csv"), split="valid"))


def test_kaggles_later_table_is_read(tmp_path):
    rng = np.random.default_rng(0)
    parts = ("Training", "PublicTest", "PrivateTest")
    rows = [f"{i},{part},{' '.join(map(str, pattern(0, rng).ravel()))}" for part in parts for i in range(7)]
    path = tmp_path / "icml_face_data.csv"
    path.write_text("\n".join(["emotion, Usage, pixels", *rows]))
    faces = load_faces(Source(corpus="fer2013", path=str(path), split="test"))
    assert np.bincount(faces.labels).tolist() == [1] * 7


@pytest.mark.parametrize("pixels", [2000, 1936])
def test_a_row_that_is_cut_off_is_named_with_its_number(tmp_path, pixels):
    rows = ["3," + " ".join(["9"] * 2304), "2," + " ".join(["9"] * pixels)]
    (tmp_path / "short.csv").write_text("\n".join(["emotion,pixels", *rows]))
    with pytest.raises(FerPhqError, match=r"Row 3: (the pixels are no square|it has 44 x 44 pixels where)"):
        load_faces(Source(corpus="fer2013", path=str(tmp_path / "short.csv")))


@pytest.mark.parametrize(
    ("dtype", "scale", "name"),
    [
        (np.uint16, 257, "a.png"),
        (np.uint16, 257, "a.tif"),
        (np.float32, 1 / 255, "a.tif"),
        (np.uint16, 1, "a.png"),
        (np.int32, 1, "a.tif"),
    ],
)
def test_images_of_more_bits_keep_their_greys(tmp_path, dtype, scale, name):
    grey = pattern(0, np.random.default_rng(0))
    (tmp_path / "anger").mkdir()
    Image.fromarray(grey.astype(dtype) * dtype(scale)).save(tmp_path / "anger" / name)
    np.testing.assert_array_equal(load_faces(Source(corpus="folder", path=str(tmp_path))).images, grey[None])


def test_greys_of_ten_or_twelve_bits_are_no_night(tmp_path):
    grey = pattern(0, np.random.default_rng(0))
    (tmp_path / "anger").mkdir()
    Image.fromarray(grey.astype(np.uint16) * np.uint16(16)).save(tmp_path / "anger" / "a.png")
    with pytest.raises(FerPhqError, match="may have 10 or 12 bits"):
        load_faces(Source(corpus="folder", path=str(tmp_path)))


def test_a_photograph_is_turned_as_its_camera_says(tmp_path):
    grey = np.repeat(np.r_[np.full(24, 250, np.uint8), np.zeros(24, np.uint8)][:, None], 48, axis=1)
    upside_down = Image.Exif()
    upside_down[0x112] = 3
    (tmp_path / "anger").mkdir()
    Image.fromarray(grey).save(tmp_path / "anger" / "a.jpg", exif=upside_down)
    image = load_faces(Source(corpus="folder", path=str(tmp_path))).images[0]
    assert image[:20].max() < 30
    assert image[-20:].min() > 220


def test_training_images_that_stand_in_validation_are_left_out(corpus):
    train, valid = (load_faces(Source(corpus="ferplus", path=str(corpus), split=s)) for s in ("train", "valid"))
    clean = train.without(valid)
    assert len(clean) == 133
    assert not set(clean.keys) & set(valid.keys)


def test_a_share_is_set_aside_by_the_pixels_alone(corpus):
    faces = load_faces(Source(corpus="ferplus", path=str(corpus), split="train"))
    rest, aside = faces.split(0.2)
    assert len(rest) + len(aside) == 140
    assert 10 < len(aside) < 50
    again = faces.take(np.arange(140) % 2 == 0).split(0.2)[1]
    assert set(again.keys) <= set(aside.keys)


def test_what_does_not_fit_into_memory_is_decoded_when_asked_for(every_corpus, monkeypatch):
    source = Source(corpus="rafdb", path=str(every_corpus / "rafdb/train"))
    whole = load_faces(source, side=32, grey=True)
    monkeypatch.setattr(corpora, "MEMORY_LIMIT", 1000)
    lazy = load_faces(source, side=32, grey=True)
    assert isinstance(lazy.images, LazyImages)
    chosen = np.array([5, 0, 9])
    np.testing.assert_array_equal(lazy.images[chosen], whole.images[chosen])
    np.testing.assert_array_equal(lazy.keys, whole.keys)
    np.testing.assert_array_equal(lazy.take(lazy.labels == 3).crops(), whole.take(whole.labels == 3).crops())
    with pytest.raises(FerPhqError, match="one by one"):
        join([lazy, whole])


def test_corpora_are_joined(every_corpus):
    parts = [load_faces(Source(corpus=c, path=str(every_corpus / c / "train")), side=40) for c in ("rafdb", "mmi")]
    both = join(parts)
    assert both.images.shape == (42, 40, 40, 3)
    assert both.describe().startswith("42 images: anger 6")
    with pytest.raises(FerPhqError, match="shapes"):
        join([parts[0], load_faces(Source(corpus="mmi", path=str(every_corpus / "mmi/train")), side=20)])


@pytest.mark.parametrize("text", ["ferplus", "none:x", "ferplus:", ":x"])
def test_a_dataset_that_is_not_one_is_one_sentence(text):
    with pytest.raises(SettingsError, match="CORPUS:PATH"):
        parse_source(text)


def test_missing_foreign_and_broken_corpora_are_one_sentence(tmp_path, corpus, every_corpus):
    with pytest.raises(FerPhqError, match="No corpus at"):
        load_faces(parse_source(f"ferplus:{tmp_path / 'train.parquet'}"))
    with pytest.raises(FerPhqError, match="is not FER"):
        load_faces(parse_source(f"ferplus:{every_corpus / 'mmi/train'}"))
    (tmp_path / "broken.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(FerPhqError, match="cannot be read"):
        load_faces(parse_source(f"ferplus:{tmp_path / 'broken.parquet'}"))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(FerPhqError, match="neither"):
        load_faces(parse_source(f"folder:{tmp_path / 'other.csv'}"))
    (tmp_path / "anger").mkdir()
    (tmp_path / "anger" / "1.png").write_bytes(png(np.zeros((48, 48), np.uint8))[:40])
    with pytest.raises(FerPhqError, match="unreadable image"):
        load_faces(parse_source(f"folder:{tmp_path}"))
    with pytest.raises(FerPhqError, match="no image of the classes"):
        load_faces(Source(corpus="ferplus", path=str(corpus), split="train"), ("contempt", "unknown"))


def test_a_set_knows_its_length_and_shows_grey_as_rgb():
    faces = FaceSet(np.zeros((2, 4, 4), np.uint8), np.eye(7, dtype=np.float32)[:2], np.array(["a", "b"]))
    assert len(faces) == 2
    assert faces.crops().shape == (2, 4, 4, 3)
    assert io.BytesIO(png(faces.images[0])).getvalue().startswith(b"\x89PNG")
