import pytest

from shared.words import counted, listed, plain


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "$x$", "[a](b)", ":red[hi]", "![x](y)", "# a", "`c`", "**b**"]
)
def test_every_mark_of_markdown_is_escaped(name):
    shown = plain(name)
    for mark in "<>$[]()!#`*":
        assert shown.count(mark) == shown.count(f"\\{mark}")


@pytest.mark.parametrize(
    "name", [":smile:", ":material/home:", "http://evil.example", "www.evil.example", "a@b.example", "-> x"]
)
def test_what_streamlit_replaces_late_is_parted(name):
    assert "\u2060" in plain(name)
    assert plain(name).replace("\\", "").replace("\u2060", "") == name


def test_plain_words_stay_as_they_are():
    assert plain("Ann  Lee\n") == "Ann Lee"
    assert plain("Zoë Åström 7") == "Zoë Åström 7"


def test_characters_that_turn_text_around_are_dropped():
    assert plain("abc\u202edef") == "abcdef"


def test_a_list_names_a_few_and_counts_the_rest():
    assert listed(["web"]) == "web"
    assert listed(["web", "store", "phone"]) == "web, store and phone"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b and 3 more"
    assert listed([]) == ""


def test_counts_carry_their_noun():
    assert counted(0, "row") == "0 rows"
    assert counted(1, "row") == "1 row"
    assert counted(1234, "country", "countries") == "1,234 countries"
