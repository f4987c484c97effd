"""A form of credentials is one file, which known.py lists."""

from pathlib import Path

from chalicelib.wire.formats import known

FOLDER = Path(known.__file__).parent


def test_each_file_holds_a_form_that_is_listed() -> None:
    holding = [path.stem for path in FOLDER.glob("*.py") if ": Final = Format(" in path.read_text()]
    assert len(holding) == len(known.FORMATS), "list it in known.py"


def test_no_two_forms_share_a_name_or_a_media_type() -> None:
    names = [form.name for form in known.FORMATS]
    accepted = [media_type for form in known.FORMATS for media_type in form.accepted]
    assert len(set(names)) == len(names) and len(set(accepted)) == len(accepted) == len(known.BY_MEDIA_TYPE)


def test_one_form_is_the_object_of_all_other_answers() -> None:
    assert [form.name for form in known.FORMATS if form.write is None] == ["json"]
